/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * http_failure: what libcurl's error codes (libcurl-errors(3)) mean to a user.
 *
 * Threads: the network thread.
 */
#include "fetch/curl_library.h"

#include <stdbool.h>

/**
 * http_failure_explain() - why a transfer came to nothing
 * @easy:     the transfer's, still with what libcurl knows of it
 * @code:     not CURLE_OK
 * @has_head: status and headers had come
 * @ret_why:  a sentence with what to do; static
 *
 * Return: -EHOSTUNREACH, -ECONNREFUSED, -ETIMEDOUT, -EKEYREJECTED (TLS),
 * -EPROTO, -ENOMEM, or -ECONNRESET for everything else.
 */
int http_failure_explain(const struct curl_library *curl, CURL *easy,
			 CURLcode code, bool has_head, const char **ret_why);
