/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * command_files: the files of an image that a command begins with, told from
 * its words before it is executed: the program, where PATH finds it, and for a
 * Python what "-c TEXT", "-m MODULE" or a script import, wherever the script
 * is, and whatever shell command line has the command in it.
 *
 * What these need in turn is known by the index's hints
 * (index/hint_closure.h).  Nothing here fails a job: what is not understood is
 * not named.
 *
 * Threads: any; no state.
 */
struct buffer;
struct index_file;

enum {
	COMMAND_FILES_SCRIPT_SIZE_MAX = 1 << 20, /* of a script of the host's */
	COMMAND_FILES_MAX = 4096,
};

/**
 * command_files_find() - inodes, in the order of use
 * @argv: NULL-ended
 * @env:  the image's, NULL-ended "NAME=value"; may be NULL
 * @ret:  uint32_t inodes appended
 *
 * Return: 0, -EFBIG (@ret's limit), -ENOMEM.
 */
int command_files_find(const struct index_file *index, const char *const *argv,
		       const char *const *env, struct buffer *ret);
