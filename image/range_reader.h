/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * range_reader: bytes of a range_source, waited for.
 *
 * A large range is asked for in pieces, all at once, so that it takes one
 * round trip and what the line carries.
 *
 * Threads: any but the one that `done` of the source runs on.
 */
#include <stddef.h>
#include <stdint.h>

struct error;
struct range_source;

enum {
	RANGE_READER_PIECE_SIZE = 4 << 20,
	/* Of a range of up to 2 MiB: several connections start together, and
	 * are there for what is read next. */
	RANGE_READER_SMALL_PIECE_SIZE = 256 << 10,
	RANGE_READER_SMALL_SIZE = 2 << 20,
	RANGE_READER_SIZE_MAX = 512 << 20,
	RANGE_READER_RANGES_MAX = 4, /* of one call */
};

struct range_reader_range {
	uint64_t off;
	size_t size;   /* 1 to RANGE_READER_SIZE_MAX; within the source */
	uint8_t *data; /* room for size bytes */
};

/**
 * range_reader_fetch() - fill some ranges, all asked for at once
 * @timeout_ms: for all of it
 *
 * Return: 0, or what the source said first.
 */
int range_reader_fetch(struct range_source *source,
		       const struct range_reader_range *ranges, size_t count,
		       int64_t timeout_ms, struct error *err);
