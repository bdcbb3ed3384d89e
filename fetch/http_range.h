/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * http_range: what a server says about the part of a resource it sends
 * (RFC 9110, section 14.4, "Content-Range").
 *
 * Threads: no shared state.
 */
#include <stdbool.h>
#include <stdint.h>

struct error;

struct http_range {
	bool is_satisfied; /* false: the "bytes * /total" of a 416 answer */
	uint64_t first;	   /* both ends belong to the range */
	uint64_t last;
	bool has_total; /* false: the "*" of an unknown total */
	uint64_t total;
};

/**
 * http_range_parse() - read the value of a Content-Range header
 *
 * Return: 0, or -EPROTO (another unit, no digits, an end before the start or
 * past the total, more than 63 bits).
 */
int http_range_parse(const char *value, struct http_range *ret);

/**
 * http_range_check() - whether an answer is the range that was asked for
 * @value: the header's value; NULL: there was none
 * @total: size of the whole; 0 when not known
 *
 * A server may leave the total open ("*").  Return: 0, or -EPROTO with @err
 * set.
 */
int http_range_check(const char *value, uint64_t off, uint64_t size,
		     uint64_t total, struct error *err);

/**
 * http_range_parse_size() - read a Content-Length
 *
 * Return: 0, or -EPROTO (not only digits, more than 63 bits).
 */
int http_range_parse_size(const char *value, uint64_t *ret);
