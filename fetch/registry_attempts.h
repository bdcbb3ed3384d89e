/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_attempts: how often one request may go wrong before it has failed.
 *
 * Kinds of faults have bounds of their own, since each tells something else;
 * what is left to time is retry_policy's.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>

/* All zero at first. */
struct registry_attempts {
	unsigned redirects;
	unsigned refusals;
	unsigned malformed;
	unsigned connect_faults;
	unsigned storage_faults;
};

/** registry_attempts_may_login() - after a 401: expired, wrong scope, and once
 * more */
bool registry_attempts_may_login(struct registry_attempts *attempts);

/** registry_attempts_may_follow() - after a redirect: whether it is none of a
 * circle */
bool registry_attempts_may_follow(struct registry_attempts *attempts);

/**
 * registry_attempts_may_repeat() - after a transfer without an answer
 * @result:     as http_done_fn's, negative
 * @is_patient: a server that cannot be reached is tried until the deadline
 *
 * Return: whether a fault of that kind is worth another try.
 */
bool registry_attempts_may_repeat(struct registry_attempts *attempts,
				  int result, bool is_patient);

/** registry_attempts_doubts_storage() - after a transfer that a storage URL
 * broke: whether the registry should be asked for another one */
bool registry_attempts_doubts_storage(struct registry_attempts *attempts);
