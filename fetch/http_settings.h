/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * http_settings: an http_client's options with their defaults filled in, and
 * what the environment says about trusted certificates.
 *
 * Threads: fixed once made.
 */
#include <stdint.h>

struct http_client_options;
struct http_exchange;

struct http_settings {
	unsigned active_per_origin_max; /* requests under way */
	unsigned active_max;
	int64_t connect_timeout_ms;
	int64_t first_byte_timeout_ms;
	int64_t progress_timeout_ms;
	void (*observed)(void *arg, const struct http_exchange *exchange);
	void *observed_arg;
	char *user_agent; /* owned, as the next two */
	char *ca_file;	  /* NULL: libcurl's own */
	char *ca_folder;
};

/** http_settings_init() - 0 or -ENOMEM; http_settings_fini() either way */
int http_settings_init(struct http_settings *settings,
		       const struct http_client_options *options);
void http_settings_fini(struct http_settings *settings);
