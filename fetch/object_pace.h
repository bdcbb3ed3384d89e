/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_pace: how an answer's body comes along.  Counted from the body alone:
 * headers may come at once from a cache whose origin hangs.
 *
 * Threads: the network thread's.
 */
#include "fetch/http_client.h"

#include <stdint.h>

enum {
	OBJECT_PACE_HEDGE_MS = 2000, /* without a byte */
	OBJECT_PACE_STALL_MS = 8000,
	OBJECT_PACE_SLOW_MS = 5000, /* ... with less than: */
	OBJECT_PACE_SLOW_SIZE_MIN = 64 << 10,
};

enum object_pace_verdict {
	OBJECT_PACE_GOOD,
	OBJECT_PACE_SLOW,    /* somebody else should be asked, too */
	OBJECT_PACE_STALLED, /* nothing more is to be hoped for */
};

struct object_pace {
	struct http_watch watch; /* of the request */
	int64_t started_ms;
	int64_t window_ms; /* of the slow rule: its start ... */
	uint64_t window_size;
};

/** object_pace_start() - a request is being sent */
void object_pace_start(struct object_pace *pace, int64_t now_ms);

/** object_pace_idle_ms() - since the last byte, or the start */
int64_t object_pace_idle_ms(const struct object_pace *pace, int64_t now_ms);

/** object_pace_check() - to be called about twice a second */
enum object_pace_verdict object_pace_check(struct object_pace *pace,
					   int64_t now_ms);
