/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_pace.h"

#include <criterion/criterion.h>

enum { MB = 1000000, NARROW = 10 * MB, WIDE = 32 * MB };

static struct chunk_pace pace;

static void setup(void)
{
	chunk_pace_init(&pace, NARROW, WIDE);
}

TestSuite(chunk_pace, .init = setup);

/* @seconds of answers of 1 MB at a rate of @mb_s. */
static void run(int64_t *now_ms, unsigned mb_s, unsigned seconds,
		uint64_t rtt_us)
{
	for (unsigned i = 0; i < mb_s * seconds; i++) {
		*now_ms += 1000 / mb_s;
		chunk_pace_note(&pace, *now_ms, MB, rtt_us);
	}
}

Test(chunk_pace, is_narrow_at_first)
{
	cr_expect_eq(chunk_pace_size(&pace), NARROW);
	cr_expect_eq(chunk_pace_ahead(&pace), 0);
	cr_expect_eq(chunk_pace_scale(&pace, 8), 8);
}

Test(chunk_pace, stays_narrow_on_a_near_link)
{
	int64_t now_ms = 1000;

	run(&now_ms, 500, 2, 300);
	cr_expect_eq(chunk_pace_size(&pace), NARROW);
	cr_expect_eq(chunk_pace_ahead(&pace), 0);
}

Test(chunk_pace, stays_narrow_on_a_slow_link)
{
	int64_t now_ms = 1000;

	run(&now_ms, 5, 4, 80000);
	cr_expect_eq(chunk_pace_size(&pace), NARROW);
	cr_expect_leq(chunk_pace_ahead(&pace), 6 * MB, "a second of it");
	cr_expect_geq(chunk_pace_ahead(&pace), 4 * MB);
}

Test(chunk_pace, widens_on_a_long_fast_link)
{
	int64_t now_ms = 1000;

	run(&now_ms, 50, 2, 80000);
	cr_expect_geq(chunk_pace_size(&pace), 20 * MB);
	cr_expect_leq(chunk_pace_size(&pace), 27 * MB);
	cr_expect_geq(chunk_pace_scale(&pace, 8), 16);
	run(&now_ms, 125, 2, 80000);
	cr_expect_eq(chunk_pace_size(&pace), WIDE);
	cr_expect_eq(chunk_pace_scale(&pace, 8), 25);
	cr_expect_eq(chunk_pace_ahead(&pace), 3 * WIDE);
}

Test(chunk_pace, narrows_again)
{
	int64_t now_ms = 1000;

	run(&now_ms, 125, 1, 80000);
	cr_expect_eq(chunk_pace_size(&pace), WIDE);
	run(&now_ms, 5, 10, 80000);
	cr_expect_eq(chunk_pace_size(&pace), NARROW);
}

Test(chunk_pace, does_not_overflow)
{
	chunk_pace_note(&pace, 1000, SIZE_MAX / 2000, UINT64_MAX);
	chunk_pace_note(&pace, 2000, SIZE_MAX / 2000, UINT64_MAX);
	cr_expect_leq(chunk_pace_size(&pace), WIDE);
	cr_expect_geq(chunk_pace_size(&pace), NARROW);
}
