/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * instance_list: what the living instances of the user tell.
 *
 * Threads: one at a time.
 */
#include <jansson.h>

struct common_options;
struct error;

/** instance_list_open_dir() - the folder of instances in the cache that the
 * options mean, made when missing; a descriptor or negative errno with @err */
int instance_list_open_dir(const struct common_options *options,
			   struct error *err);

/**
 * instance_list_ask() - ask each
 * @ret: a new array of objects as docs/instances.md describes; the caller's
 *
 * Dead ones are removed on the way; those of another version are left out.
 *
 * Return: 0 or negative errno with @err.
 */
int instance_list_ask(const struct common_options *options, json_t **ret,
		      struct error *err);
