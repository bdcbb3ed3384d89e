/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * bind_option: --bind SRC[:DST[:OPTION[,OPTION...]]] and docker's --mount into
 * struct run_bind.
 *
 * Several in one --bind are separated by commas; "\:" and "\," stand for the
 * characters themselves.  Behind a third field, words that are options (ro, rw)
 * belong to it; the first one that is not starts the next bind, as with
 * Apptainer.  A relative SRC is taken from the working directory; DST is SRC
 * unless given.
 *
 * Threads: any.
 */
#include <stddef.h>

struct error;
struct option_list;
struct run_bind;

/**
 * bind_option_parse() - append all values of --bind
 * @binds: malloc'ed array, or NULL, with @count in it; strings included.
 *         bind_option_free() even after a failure.
 *
 * Return: 0, -EINVAL with @err quoting the value, -EFBIG, -ENOMEM.
 */
int bind_option_parse(const struct option_list *list, struct run_bind **binds,
		      size_t *count, struct error *err);

/**
 * bind_option_parse_mounts() - the same for --mount
 *
 * type=bind,source=SRC,destination=DST[,ro]; also src, dst, target, readonly.
 * A field in double quotes may hold commas.
 */
int bind_option_parse_mounts(const struct option_list *list,
			     struct run_bind **binds, size_t *count,
			     struct error *err);

void bind_option_free(struct run_bind *binds, size_t count);

/** bind_option_absolute() - @path from the working directory; malloc'ed, NULL
 * when out of memory */
char *bind_option_absolute(const char *path);
