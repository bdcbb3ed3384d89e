/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_outcome: what is left to do, without the lock, after the board has
 * changed: answer requests, give up claims, free memory.  Internal to the
 * loader.
 *
 * Every board function that may end something takes one; its caller settles
 * it right after.
 */
struct chunk;
struct chunk_cache;
struct chunk_flight;
struct chunk_range;
struct chunk_request;

struct chunk_outcome {
	/* utlist lists */
	struct chunk_request *finished;
	struct chunk_flight *ended;
	struct chunk_range *ranges; /* nobody needs their bodies now */
	/* chunk_memory_insert()'s chain */
	struct chunk *given_up;
};

/**
 * chunk_outcome_settle() - do it; the outcome is empty again afterwards
 * @cache: where claims are; NULL: none
 *
 * Calls the callbacks of requests.  No lock may be held.
 */
void chunk_outcome_settle(struct chunk_outcome *outcome,
			  struct chunk_cache *cache);
