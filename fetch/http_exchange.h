/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * http_exchange: one request that has ended, and when it did what: for traces.
 *
 * Threads: filled on the network thread.
 */
#include <stdbool.h>
#include <stdint.h>

struct http_transfer;

/* Times on clock_us(); 0: not reached. */
struct http_exchange {
	const char *url; /* borrowed; a storage URL's query holds secrets */
	int status;	 /* 0: no answer */
	int result;	 /* as http_done_fn's */
	bool has_range;
	uint64_t range_off;
	uint64_t range_size;
	uint64_t body_size;	    /* received */
	bool has_opened_connection; /* none was free, or none was there */
	int64_t submitted_us;
	int64_t started_us;    /* left the queue */
	int64_t connected_us;  /* TLS included; 0 on a kept connection */
	int64_t first_byte_us; /* of the answer */
	int64_t ended_us;
};

/**
 * http_exchange_describe() - what @transfer was
 *
 * Once libcurl has ended it and http_transfer_finish() has been called, and
 * while the handle is still the transfer's.
 */
void http_exchange_describe(const struct http_transfer *transfer,
			    struct http_exchange *ret);
