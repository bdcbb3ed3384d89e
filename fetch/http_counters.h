/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * http_counters: what a client has done, and how fast its link was seen to be.
 *
 * Threads: note_...() the network thread; get() any.
 */
#include "fetch/http_client.h"

struct http_transfer;

/** http_counters_note_start() - @transfer is handed to libcurl */
void http_counters_note_start(struct http_client_counters *counters,
			      const struct http_transfer *transfer);

/** http_counters_note_end() - it has ended and still has its handle */
void http_counters_note_end(struct http_client_counters *counters,
			    const struct http_transfer *transfer);

/** http_counters_get() - a copy; each number by itself is exact */
void http_counters_get(const struct http_client_counters *counters,
		       struct http_client_counters *ret);
