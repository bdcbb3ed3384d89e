/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_location: the URL of an object as a user writes it, parsed.
 *
 * Threads: no shared state.
 */
#include <stdbool.h>

struct error;

struct object_location {
	char *url;  /* http or https, as written; owned */
	char *name; /* canonical, may be shown: object_source.h; owned */
};

/** object_location_is_url() - whether a text begins with a scheme of ours */
bool object_location_is_url(const char *text);

/**
 * object_location_parse() - read it
 * @allow_http: plain http to hosts that are not loopback
 *
 * Return: 0, -EINVAL (no such URL, or http that is not allowed: @err says
 * which), -ENOMEM, -ELIBACC (no libcurl).
 */
int object_location_parse(const char *text, bool allow_http,
			  struct object_location *ret, struct error *err);
void object_location_fini(struct object_location *location);
