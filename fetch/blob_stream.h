/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * blob_stream: a whole blob from first byte to last, as a byte_stream, over
 * a range_source: several ranges in flight, delivered in order, bounded.
 */
#include <stddef.h>
#include <stdint.h>

struct byte_stream;
struct error;
struct range_source;

struct blob_stream_options {
	size_t request_size; /* bytes per range, <= RANGE_SIZE_MAX; 0: 2 MiB */
	unsigned request_count; /* ranges in flight, <= 64; 0: 4 */
	int64_t timeout_ms;	/* for each range; 0: 120000 */
};

/**
 * blob_stream_create() - stream a blob
 * @source:  borrowed; must outlive the stream
 * @options: NULL: all defaults
 *
 * Nothing is asked for before the first read.  Memory is bounded by
 * request_size * request_count.  A read that fails keeps failing in the same
 * way; bytes before the failure are delivered.  Destroying the stream does not
 * wait for ranges in flight: their bytes are dropped when they arrive, at the
 * latest when the source is destroyed.  Return: 0 or -ENOMEM.
 */
int blob_stream_create(struct range_source *source,
		       const struct blob_stream_options *options,
		       struct byte_stream **ret, struct error *err);
