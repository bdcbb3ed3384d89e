/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_failures.h"

#include <assert.h>

void chunk_failures_note(struct chunk_failures *failures, int64_t until_ms,
			 uint32_t number, const struct error *err)
{
	assert(err->code < 0);
	failures->ring[failures->count++ % CHUNK_FAILURES_MAX] =
		(struct chunk_failure){
			.number = number,
			.until_ms = until_ms,
			.err = *err,
		};
}

const struct error *chunk_failures_find(const struct chunk_failures *failures,
					int64_t now_ms, uint32_t number)
{
	for (size_t i = 0; i < CHUNK_FAILURES_MAX; i++) {
		const struct chunk_failure *failure = &failures->ring[i];

		if (failure->until_ms > now_ms && failure->number == number)
			return &failure->err;
	}
	return NULL;
}
