/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_attempts.h"

#include <criterion/criterion.h>
#include <errno.h>

Test(registry_attempts, bounds_each_kind_by_itself)
{
	struct registry_attempts attempts = { 0 };

	for (int i = 0; i < 5; i++)
		cr_expect(registry_attempts_may_follow(&attempts));
	cr_expect_not(registry_attempts_may_follow(&attempts));
	for (int i = 0; i < 3; i++)
		cr_expect(registry_attempts_may_login(&attempts));
	cr_expect_not(registry_attempts_may_login(&attempts));
	cr_expect(registry_attempts_may_repeat(&attempts, -EPROTO, true));
	cr_expect(registry_attempts_may_repeat(&attempts, -EPROTO, true));
	cr_expect_not(registry_attempts_may_repeat(&attempts, -EPROTO, true));
}

Test(registry_attempts, patience_is_for_who_cannot_be_reached)
{
	struct registry_attempts attempts = { 0 };

	for (int i = 0; i < 100; i++)
		cr_expect(registry_attempts_may_repeat(&attempts, -ECONNREFUSED,
						       true));
	cr_expect(registry_attempts_may_repeat(&attempts, -ETIMEDOUT, false));
	cr_expect(
		registry_attempts_may_repeat(&attempts, -EHOSTUNREACH, false));
	cr_expect_not(
		registry_attempts_may_repeat(&attempts, -ECONNREFUSED, false));
	cr_expect(registry_attempts_may_repeat(&attempts, -ECONNRESET, false));
	cr_expect_not(
		registry_attempts_may_repeat(&attempts, -EKEYREJECTED, true));
}

Test(registry_attempts, doubts_storage_that_breaks_again)
{
	struct registry_attempts attempts = { 0 };

	cr_expect_not(registry_attempts_doubts_storage(&attempts));
	cr_expect(registry_attempts_doubts_storage(&attempts));
	cr_expect_not(registry_attempts_doubts_storage(&attempts));
}
