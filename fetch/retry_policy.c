/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/retry_policy.h"

#include <assert.h>

enum {
	DELAY_MS_MIN = 100,
	DELAY_MS_MAX = 10000,
	/* Spread of those who were told the same Retry-After. */
	SPREAD_MS = 250,
};

/* splitmix64: one addition and a mix; good enough to part clients. */
static uint64_t draw(uint64_t *seed)
{
	uint64_t x = *seed += 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

int retry_policy_next(struct retry_policy *policy, int64_t now_ms,
		      int64_t retry_after_ms, int64_t *ret_delay_ms)
{
	int64_t delay_ms = DELAY_MS_MAX;

	assert(policy->deadline_ms > 0);
	if (policy->retries_max && policy->retries >= policy->retries_max)
		return RETRY_POLICY_GIVE_UP;
	if (policy->retries < 7)
		delay_ms = (int64_t)DELAY_MS_MIN << policy->retries;
	if (delay_ms > DELAY_MS_MAX)
		delay_ms = DELAY_MS_MAX;
	delay_ms -= (int64_t)(draw(&policy->seed) % (uint64_t)(delay_ms / 2));
	if (delay_ms < retry_after_ms)
		delay_ms = retry_after_ms +
			   (int64_t)(draw(&policy->seed) % SPREAD_MS);
	if (now_ms + delay_ms >= policy->deadline_ms)
		return RETRY_POLICY_GIVE_UP;
	policy->retries++;
	*ret_delay_ms = delay_ms;
	return 0;
}
