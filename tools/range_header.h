/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * range_header: a request's Range header (RFC 9110 section 14.2), for servers.
 *
 * Threads: any; no shared state.
 */
#include <stdint.h>

enum range_header_kind {
	RANGE_HEADER_WHOLE, /* none, several, or not understood */
	RANGE_HEADER_PART,
	RANGE_HEADER_UNSATISFIABLE, /* 416 */
};

/**
 * range_header_parse() - "bytes=0-99", "bytes=100-", "bytes=-100"
 * @text:     NULL when the request has none
 * @size:     bytes of the whole
 * @ret_off:  with RANGE_HEADER_PART the first byte
 * @ret_size: with RANGE_HEADER_PART how many, at least 1
 *
 * What a server may ignore (several ranges, other units, nonsense) asks for
 * the whole.
 */
enum range_header_kind range_header_parse(const char *text, uint64_t size,
					  uint64_t *ret_off,
					  uint64_t *ret_size);
