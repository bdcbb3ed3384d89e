/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/retry_policy.h"

#include <criterion/criterion.h>

Test(retry_policy, doubles_its_delays_up_to_ten_seconds)
{
	struct retry_policy policy = { .deadline_ms = INT64_MAX, .seed = 1 };
	int64_t expected_ms = 100;

	for (unsigned i = 0; i < 20; i++) {
		int64_t delay_ms = -1;

		cr_assert_eq(retry_policy_next(&policy, 0, -1, &delay_ms), 0);
		cr_assert(delay_ms > expected_ms / 2 && delay_ms <= expected_ms,
			  "delay %u is %d", i, (int)delay_ms);
		expected_ms = expected_ms < 5000 ? expected_ms * 2 : 10000;
	}
	cr_assert_eq(policy.retries, 20);
}

Test(retry_policy, parts_clients_by_their_seeds)
{
	unsigned different = 0;

	for (uint64_t seed = 0; seed < 50; seed++) {
		struct retry_policy a = { .deadline_ms = 100000, .seed = seed };
		struct retry_policy b = { .deadline_ms = 100000,
					  .seed = seed + 1 };
		int64_t a_ms;
		int64_t b_ms;

		retry_policy_next(&a, 0, -1, &a_ms);
		retry_policy_next(&b, 0, -1, &b_ms);
		different += a_ms != b_ms;
	}
	cr_assert(different > 40, "%u of 50", different);
}

Test(retry_policy, waits_at_least_as_long_as_the_server_asks)
{
	struct retry_policy policy = { .deadline_ms = 100000 };
	int64_t delay_ms = 0;

	cr_assert_eq(retry_policy_next(&policy, 0, 7000, &delay_ms), 0);
	cr_assert(delay_ms >= 7000 && delay_ms < 7250);
	cr_assert_eq(retry_policy_next(&policy, 0, 0, &delay_ms), 0);
	cr_assert(delay_ms > 0 && delay_ms <= 200);
}

Test(retry_policy, gives_up_when_a_wait_would_pass_the_deadline)
{
	struct retry_policy policy = { .deadline_ms = 1000 };
	int64_t delay_ms = 42;

	cr_assert_eq(retry_policy_next(&policy, 999, -1, &delay_ms),
		     RETRY_POLICY_GIVE_UP);
	cr_assert_eq(retry_policy_next(&policy, 0, 1000, &delay_ms),
		     RETRY_POLICY_GIVE_UP);
	cr_assert_eq(delay_ms, 42);
	cr_assert_eq(policy.retries, 0);
	cr_assert_eq(retry_policy_next(&policy, 0, -1, &delay_ms), 0);
}

Test(retry_policy, gives_up_when_its_retries_are_used_up)
{
	struct retry_policy policy = { .deadline_ms = 100000,
				       .retries_max = 2 };
	int64_t delay_ms;

	cr_assert_eq(retry_policy_next(&policy, 0, -1, &delay_ms), 0);
	cr_assert_eq(retry_policy_next(&policy, 0, -1, &delay_ms), 0);
	cr_assert_eq(retry_policy_next(&policy, 0, -1, &delay_ms),
		     RETRY_POLICY_GIVE_UP);
}
