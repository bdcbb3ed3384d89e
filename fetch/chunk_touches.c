/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A word a chunk: 0 for never touched, else 1 + milliseconds, and the highest
 * bit for expected.
 */
#include "fetch/chunk_touches.h"

#include "common/clock.h"

#include <stdlib.h>

#define EXPECTED 0x80000000u
#define TIME_MAX (EXPECTED - 2)

struct chunk_touches {
	int64_t start_ms;
	uint32_t count;
	struct chunk_touches_counters counters; /* atomic */
	uint32_t words[];			/* atomic */
};

static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

struct chunk_touches *chunk_touches_create(uint32_t chunk_count)
{
	struct chunk_touches *touches = calloc(
		1, sizeof(*touches) + (size_t)chunk_count * sizeof(uint32_t));

	if (!touches)
		return NULL;
	touches->start_ms = clock_ms();
	touches->count = chunk_count;
	return touches;
}

void chunk_touches_destroy(struct chunk_touches *touches)
{
	free(touches);
}

uint32_t chunk_touches_elapsed_ms(const struct chunk_touches *touches)
{
	int64_t ms = clock_ms() - touches->start_ms;

	return ms < TIME_MAX ? (uint32_t)ms : TIME_MAX;
}

void chunk_touches_note(struct chunk_touches *touches, uint32_t number)
{
	uint32_t time;
	uint32_t *word;
	uint32_t old;

	if (number >= touches->count)
		return;
	word = &touches->words[number];
	old = load(word);
	if (old & ~EXPECTED)
		return;
	time = 1 + chunk_touches_elapsed_ms(touches);
	/* may lose to another reader, or to expect(): then look again */
	while (!(old & ~EXPECTED) &&
	       !__atomic_compare_exchange_n(word, &old, old | time, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	if (old & ~EXPECTED)
		return;
	__atomic_fetch_add(old & EXPECTED ? &touches->counters.expected
					  : &touches->counters.others,
			   1, __ATOMIC_RELAXED);
}

bool chunk_touches_expect(struct chunk_touches *touches, uint32_t number)
{
	return number < touches->count &&
	       !(__atomic_fetch_or(&touches->words[number], EXPECTED,
				   __ATOMIC_RELAXED) &
		 EXPECTED);
}

bool chunk_touches_is_expected(const struct chunk_touches *touches,
			       uint32_t number)
{
	return number < touches->count &&
	       (load(&touches->words[number]) & EXPECTED);
}

bool chunk_touches_are_expected(const struct chunk_touches *touches,
				uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!chunk_touches_is_expected(touches, first + i))
			return false;
	return true;
}

bool chunk_touches_find(const struct chunk_touches *touches, uint32_t number,
			uint32_t *ret_ms)
{
	uint32_t time;

	if (number >= touches->count)
		return false;
	time = load(&touches->words[number]) & ~EXPECTED;
	if (time == 0)
		return false;
	if (ret_ms)
		*ret_ms = time - 1;
	return true;
}

void chunk_touches_get_counters(const struct chunk_touches *touches,
				struct chunk_touches_counters *ret)
{
	ret->expected = load(&touches->counters.expected);
	ret->others = load(&touches->counters.others);
}
