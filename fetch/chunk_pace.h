/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_pace: how much may be in flight, from how far the sources are and how
 * fast they answer.
 *
 * Narrow unless the link is long: what is in flight waits before a demand that
 * comes now.  On a long link a request takes several round trips (TCP starts
 * slowly, again after each pause), so six times the bandwidth-delay product is
 * let in flight; the rate is what ranges have brought, so that it grows while
 * growing pays.
 *
 * Threads: none of its own; the board's lock, but for what is said to be
 * atomic.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	CHUNK_PACE_PRODUCTS = 6,   /* bandwidth-delay products in flight */
	CHUNK_PACE_SLOT_MS = 250,  /* over which a rate is taken */
	CHUNK_PACE_AHEAD = 3,	   /* times what may be in flight */
	CHUNK_PACE_NEAR_US = 5000, /* a round trip that makes no difference */
};

/* What is known of a link; 0: nothing. */
struct chunk_link {
	uint64_t rtt_us; /* round trip */
	uint64_t rate;	 /* bytes a second, within an answer */
};

struct chunk_pace {
	/* fixed */
	size_t narrow; /* bytes in flight, at least */
	size_t wide;   /* and at most */

	uint64_t rtt_us; /* of the network; 0: none is known, or it is near */
	uint64_t rate;	 /* bytes a second, the best of late */
	int64_t slot_ms; /* when the present slot began; 0: none has */
	uint64_t slot_size; /* bytes answered in it */
	size_t size;	    /* that may be in flight; atomic */
	size_t ahead;	    /* that may be read ahead; atomic */
};

void chunk_pace_init(struct chunk_pace *pace, size_t narrow, size_t wide);

/** chunk_pace_note() - a range was answered
 * @rtt_us: of the network, as far as known now */
void chunk_pace_note(struct chunk_pace *pace, int64_t now_ms, size_t size,
		     uint64_t rtt_us);

/** chunk_pace_size() - bytes that may be in flight; any thread */
size_t chunk_pace_size(const struct chunk_pace *pace);

/**
 * chunk_pace_ahead() - bytes that may be asked for ahead of a reader who reads
 * on and on; any thread
 *
 * Several times what may be in flight: ranges that share a link arrive
 * together, so the next ones must be on their way before the reader has come to
 * any of these.  But not more than comes in a second; 0 on a link without a
 * way.
 */
size_t chunk_pace_ahead(const struct chunk_pace *pace);

/** chunk_pace_scale() - a count meant for a narrow link, for this one */
unsigned chunk_pace_scale(const struct chunk_pace *pace, unsigned count);
