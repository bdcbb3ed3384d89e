/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * bind_option: --bind SRC[:DST[:ro|rw]] into struct run_bind.
 *
 * Several in one value are separated by commas; "\:" and "\," stand for the
 * characters themselves.  A relative SRC is taken from the working directory;
 * DST is SRC unless given.
 */
#include <stddef.h>

struct error;
struct option_list;
struct run_bind;

/**
 * bind_option_parse() - all values of --bind
 * @ret: malloc'ed array, strings included; bind_option_free()
 *
 * Return: 0, -EINVAL with @err quoting the value, -EFBIG, -ENOMEM.
 */
int bind_option_parse(const struct option_list *list, struct run_bind **ret,
		      size_t *ret_count, struct error *err);
void bind_option_free(struct run_bind *binds, size_t count);
