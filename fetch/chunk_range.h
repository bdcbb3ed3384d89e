/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_range: one request to a range_source, and the body that several
 * flights decode their chunks from.  Internal to the loader.
 */
#include "common/error.h"
#include "fetch/chunk_plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_board;
struct chunk_flight;
struct chunk_ref;

struct chunk_range {
	/* set when it starts */
	struct chunk_board *board; /* a reference, until the answer */
	uint32_t blob;
	uint64_t off;
	size_t size;
	int64_t deadline_ms;

	/* the answering thread's: bytes of the body that make the next chunk
	 * whole, SIZE_MAX when none is to come before the answer */
	size_t next_size;

	/* set by the answer, before its flights are READY */
	int result;
	struct error err;
	uint8_t *data; /* size bytes, owned */

	/* -- protected by the board's lock */
	unsigned refs;	   /* the answer to come, and each flight */
	bool is_abandoned; /* its deadline passed: the answer is dropped */
	size_t count;
	struct chunk_flight *flights[CHUNK_PLAN_CHUNKS_MAX];
	struct chunk_range *prev; /* in the board's list while in flight */
	struct chunk_range *next;
};

/** chunk_range_end_of() - how much of the body makes that chunk whole */
size_t chunk_range_end_of(const struct chunk_range *range,
			  const struct chunk_ref *ref);

/** chunk_range_create() - empty; NULL: no memory */
struct chunk_range *chunk_range_create(void);

/** chunk_range_destroy() - with its body; NULL is allowed */
void chunk_range_destroy(struct chunk_range *range);
