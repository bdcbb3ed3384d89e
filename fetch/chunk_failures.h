/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_failures: which chunks did not come in time, a moment ago.
 *
 * The kernel asks once more for the page that a read needed when reading ahead
 * has failed: without this the reader would wait for a second deadline.
 * Internal to the loader; the board's lock guards it.
 */
#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
	CHUNK_FAILURES_MAX = 8,	    /* remembered: readers that fail at once */
	CHUNK_FAILURES_SHARE = 120, /* for this part of the deadline: 1 s */
};

struct chunk_failure {
	uint32_t number;
	int64_t until_ms; /* 0: none is here */
	struct error err;
};

struct chunk_failures {
	struct chunk_failure ring[CHUNK_FAILURES_MAX];
	size_t count; /* noted ever */
};

/** chunk_failures_note() - a chunk did not come in time; remembered until
 * @until_ms; @err is copied */
void chunk_failures_note(struct chunk_failures *failures, int64_t until_ms,
			 uint32_t number, const struct error *err);

/** chunk_failures_find() - why it did not come; NULL: no such failure, or it is
 * longer ago.  Valid until the next note */
const struct error *chunk_failures_find(const struct chunk_failures *failures,
					int64_t now_ms, uint32_t number);
