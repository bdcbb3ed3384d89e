/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object_pace.h"

#include <criterion/criterion.h>

static void receive(struct object_pace *pace, int64_t now_ms, uint64_t size)
{
	pace->watch.progress_ms = now_ms;
	pace->watch.body_size += size;
}

Test(object_pace, counts_from_the_start_until_a_byte_comes)
{
	struct object_pace pace;

	object_pace_start(&pace, 1000);
	cr_expect_eq(object_pace_check(&pace, 2999), OBJECT_PACE_GOOD);
	cr_expect_eq(object_pace_check(&pace, 3000), OBJECT_PACE_SLOW);
	cr_expect_eq(object_pace_check(&pace, 8999), OBJECT_PACE_SLOW);
	cr_expect_eq(object_pace_check(&pace, 9000), OBJECT_PACE_STALLED);
}

Test(object_pace, counts_from_the_last_byte)
{
	struct object_pace pace;

	object_pace_start(&pace, 0);
	receive(&pace, 1500, 1 << 20);
	cr_expect_eq(object_pace_check(&pace, 3000), OBJECT_PACE_GOOD);
	cr_expect_eq(object_pace_idle_ms(&pace, 3000), 1500);
	cr_expect_eq(object_pace_check(&pace, 9500), OBJECT_PACE_STALLED);
}

Test(object_pace, finds_a_trickle)
{
	struct object_pace pace;
	unsigned slow = 0;

	object_pace_start(&pace, 0);
	for (int64_t now_ms = 100; now_ms <= 11000; now_ms += 100) {
		receive(&pace, now_ms, 100);
		if (object_pace_check(&pace, now_ms) == OBJECT_PACE_SLOW)
			slow++;
	}
	cr_expect_eq(slow, 2);
	object_pace_start(&pace, 0);
	for (int64_t now_ms = 100; now_ms <= 11000; now_ms += 100) {
		receive(&pace, now_ms, 2000);
		cr_expect_eq(object_pace_check(&pace, now_ms),
			     OBJECT_PACE_GOOD);
	}
}
