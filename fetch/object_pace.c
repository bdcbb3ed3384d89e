/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object_pace.h"

#include <stdbool.h>

void object_pace_start(struct object_pace *pace, int64_t now_ms)
{
	pace->watch = (struct http_watch){ 0 };
	pace->started_ms = now_ms;
	pace->window_ms = now_ms;
	pace->window_size = 0;
}

int64_t object_pace_idle_ms(const struct object_pace *pace, int64_t now_ms)
{
	int64_t since_ms = pace->watch.progress_ms;

	return now_ms -
	       (since_ms > pace->started_ms ? since_ms : pace->started_ms);
}

static bool is_slow(struct object_pace *pace, int64_t now_ms)
{
	uint64_t size = pace->watch.body_size;
	bool is_slow;

	if (now_ms - pace->window_ms < OBJECT_PACE_SLOW_MS)
		return false;
	is_slow = size - pace->window_size < OBJECT_PACE_SLOW_SIZE_MIN;
	pace->window_ms = now_ms;
	pace->window_size = size;
	return is_slow;
}

enum object_pace_verdict object_pace_check(struct object_pace *pace,
					   int64_t now_ms)
{
	int64_t idle_ms = object_pace_idle_ms(pace, now_ms);

	if (idle_ms >= OBJECT_PACE_STALL_MS)
		return OBJECT_PACE_STALLED;
	if (idle_ms >= OBJECT_PACE_HEDGE_MS || is_slow(pace, now_ms))
		return OBJECT_PACE_SLOW;
	return OBJECT_PACE_GOOD;
}
