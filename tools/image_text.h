/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_text: small text files of an image, without a mount.
 *
 * Threads: one at a time.
 */
struct buffer;
struct error;
struct session;

/* The image: an opened session, or a directory of the host. */
struct image_text_source {
	struct session *session; /* SESSION_LOADER; NULL: */
	int dir_fd;		 /* O_PATH of the image's root */
};

/**
 * image_text_load() - a regular file's content, NUL-ended
 * @path: absolute; links are followed within the image
 * @ret:  appended to
 *
 * May fetch.  Return: 0; -ENOENT (no such file, or no regular one); -EFBIG
 * (larger than @ret takes); other negative errno with @err.
 */
int image_text_load(const struct image_text_source *source, const char *path,
		    struct buffer *ret, struct error *err);

/* One name of a folder; negative errno ends the walk. */
typedef int image_text_visit_fn(void *arg, const char *name);

/**
 * image_text_list() - call @visit for each folder in the image's folder @path
 *
 * A folder that is not there has none.  Return: 0, what @visit returned, or
 * negative errno with @err.
 */
int image_text_list(const struct image_text_source *source, const char *path,
		    image_text_visit_fn *visit, void *arg, struct error *err);
