/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_attempts.h"

#include <errno.h>

enum {
	REDIRECTS_MAX = 5,
	REFUSALS_MAX = 3,
	MALFORMED_MAX = 2,
	CONNECT_RETRIES_MAX = 2, /* for the impatient */
	/* Broken connections before a storage URL is asked for anew. */
	STORAGE_FAULTS_MAX = 2,
};

bool registry_attempts_may_login(struct registry_attempts *attempts)
{
	return ++attempts->refusals <= REFUSALS_MAX;
}

bool registry_attempts_may_follow(struct registry_attempts *attempts)
{
	return ++attempts->redirects <= REDIRECTS_MAX;
}

bool registry_attempts_may_repeat(struct registry_attempts *attempts,
				  int result, bool is_patient)
{
	switch (result) {
	case -EPROTO:
		return ++attempts->malformed <= MALFORMED_MAX;
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
	case -ETIMEDOUT:
		return is_patient ||
		       ++attempts->connect_faults <= CONNECT_RETRIES_MAX;
	case -ECONNRESET:
		return true;
	default:
		return false;
	}
}

bool registry_attempts_doubts_storage(struct registry_attempts *attempts)
{
	return ++attempts->storage_faults % STORAGE_FAULTS_MAX == 0;
}
