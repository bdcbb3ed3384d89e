/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_etc: the image's /etc/passwd and /etc/group with the user's line.
 *
 * Threads: any; run_etc_add_user() writes to the root.
 */
struct buffer;
struct error;
struct run_user;

/**
 * run_etc_merge() - a file of NAME:x:ID:... lines with one more
 * @old:    the file's text; borrowed, NUL-ended
 * @line:   the new line, without a newline
 * @buffer: the new text is appended
 *
 * The line goes in front of the first one with its name or id, so that it is
 * the one found; else to the end.
 *
 * Return: 0, -EFBIG, -ENOMEM.
 */
int run_etc_merge(const char *old, const char *line, struct buffer *buffer);

enum {
	RUN_ETC_PASSWD = 1 << 0,
	RUN_ETC_GROUP = 1 << 1,
};

/**
 * run_etc_prepare() - the same files, in an upper layer that nothing shows yet
 * @image_fd: of the root whose files they are to cover
 * @home:     the job's; NULL: the user's on the host
 *
 * To change them in the overlay would have it copy folder and files first. Only
 * where they are plain: /etc and the files are the caller's, no links, and have
 * no extended attributes.
 *
 * Return: which were made, for run_etc_add_user().
 */
unsigned run_etc_prepare(int image_fd, int upper_fd,
			 const struct run_user *user, const char *home);

/**
 * run_etc_add_user() - put the user into the root's passwd and group
 * @home: the job's; NULL: the user's on the host
 * @done: what run_etc_prepare() has made
 *
 * Only into files that the image has; one that is no regular file or larger
 * than a mebibyte stays as it is.  Root needs no line: images have their own.
 *
 * Return: 0 or negative errno with @err.
 */
int run_etc_add_user(int root_fd, const struct run_user *user, const char *home,
		     unsigned done, struct error *err);
