/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * profile_plan: the chunks of a profile joined into few ranges.  Pure
 * arithmetic.
 *
 * Chunks that follow each other are one run.  Runs are joined over the
 * smallest gaps first, until there are no more ranges than one for each MiB
 * and PROFILE_PLAN_RANGES_FREE (less ranges_spare), as long as all gaps
 * together stay below an eighth of the bytes wanted; what lies in a gap is
 * fetched and kept.  Gaps of less than gap_size_min are always joined.  What is
 * longer than request_size_max is cut into equal parts.
 *
 * The head, what is needed first, is taken out before: runs in parts of
 * head_part_size, the earliest ones, until they make head_size.  On connections
 * that are new such parts come one beside the other, where one range would
 * have to wait for the slow start of one of them.  The rest has so many fewer
 * ranges; those of it that are needed as early are not long ones either.
 *
 * Threads: any; no state.
 */
#include "fetch/profile_chunks.h"

#include <stddef.h>
#include <stdint.h>

enum {
	/* the limit is bytes / 1 MiB + 20 requests, those for manifests,
	 * tokens and what the profile does not know included */
	PROFILE_PLAN_RANGES_FREE = 18,
	PROFILE_PLAN_GAP_SHARE = 8, /* of the wanted bytes: one in so many */
	PROFILE_PLAN_HEAD_PARTS_MAX = 20,
	/* Parts more, beyond all that, for what of the rest is needed as early
	 * as the head. */
	PROFILE_PLAN_EARLY_PARTS = 2,
};

struct profile_plan_limits {
	size_t request_size_max;
	size_t gap_size_min;
	unsigned ranges_spare; /* of PROFILE_PLAN_RANGES_FREE: not used here */
	size_t head_size;      /* bytes; 0: no head */
	size_t head_part_size;
};

/* Chunks that follow each other in one blob. */
struct profile_plan_range {
	uint32_t first;
	uint32_t count;
	uint32_t first_ms; /* when the first of them is needed */
	uint64_t size;	   /* bytes stored */
};

/**
 * profile_plan_make() - ranges for what is wanted
 * @wanted: each chunk once; may be reordered
 * @ret:    malloc'ed, those needed first come first
 *
 * Return: 0 or -ENOMEM.
 */
int profile_plan_make(const struct chunk_table *table,
		      struct profile_chunk *wanted, uint32_t count,
		      const struct profile_plan_limits *limits,
		      struct profile_plan_range **ret, uint32_t *ret_count);
