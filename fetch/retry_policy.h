/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * retry_policy: when to ask again, and when to stop asking.
 *
 * Delays double from 100 ms to 10 s; each is drawn from its upper half, so
 * that the clients a server threw off do not all come back at once.  A server's
 * Retry-After is a lower bound.
 *
 * Threads: none of its own; a struct retry_policy belongs to one request.
 */
#include <stdint.h>

struct retry_policy {
	int64_t deadline_ms;  /* on clock_ms()'s clock: no try starts later */
	unsigned retries_max; /* 0: until the deadline */
	unsigned retries;     /* granted so far */
	uint64_t seed;	      /* of the jitter; any number */
};

enum { RETRY_POLICY_GIVE_UP = 1 };

/**
 * retry_policy_next() - a try failed: what now?
 * @retry_after_ms: what the server asked for; -1 when it asked for nothing
 * @ret_delay_ms:   how long to wait before the next try
 *
 * Return: 0, or RETRY_POLICY_GIVE_UP when the wait would pass the deadline or
 * the retries are used up.
 */
int retry_policy_next(struct retry_policy *policy, int64_t now_ms,
		      int64_t retry_after_ms, int64_t *ret_delay_ms);
