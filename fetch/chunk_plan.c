/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_plan.h"

#include "common/chunk_ref.h"

#include <assert.h>
#include <string.h>

static uint64_t end_of(const struct chunk_ref *ref)
{
	return ref->stored_off + ref->stored_size;
}

void chunk_plan_init(struct chunk_plan *plan, const struct chunk_ref *ref)
{
	assert(ref->stored_size > 0);
	plan->blob = ref->blob;
	plan->off = ref->stored_off;
	plan->end = end_of(ref);
	plan->count = 1;
}

void chunk_plan_cover(struct chunk_plan *plan, const struct chunk_ref *ref)
{
	assert(ref->blob == plan->blob);
	if (ref->stored_off < plan->off)
		plan->off = ref->stored_off;
	if (end_of(ref) > plan->end)
		plan->end = end_of(ref);
	plan->count++;
}

size_t chunk_plan_size(const struct chunk_plan *plan)
{
	assert(plan->end > plan->off);
	return (size_t)(plan->end - plan->off);
}

/* A hostile table may number chunks in any order: nothing is assumed here. */
bool chunk_plan_join(struct chunk_plan *plan,
		     const struct chunk_plan_limits *limits,
		     const struct chunk_ref *ref)
{
	struct chunk_plan joined = *plan;

	if (ref->blob != plan->blob || plan->count == CHUNK_PLAN_CHUNKS_MAX)
		return false;
	if (ref->stored_off > plan->end &&
	    ref->stored_off - plan->end > limits->gap_size_max)
		return false;
	if (end_of(ref) < plan->off &&
	    plan->off - end_of(ref) > limits->gap_size_max)
		return false;
	chunk_plan_cover(&joined, ref);
	if (chunk_plan_size(&joined) > limits->request_size_max)
		return false;
	*plan = joined;
	return true;
}

/* The next wanted number in one direction; false when there is none near. */
static bool find_next(uint32_t number, int step, chunk_plan_find_fn *find,
		      void *arg, uint32_t *ret_number,
		      const struct chunk_ref **ret_ref)
{
	for (int i = 0; i <= CHUNK_PLAN_SKIP_MAX; i++) {
		if (number == (step < 0 ? 0 : UINT32_MAX))
			return false;
		number += (uint32_t)step;
		*ret_ref = find(arg, number);
		if (*ret_ref) {
			*ret_number = number;
			return true;
		}
	}
	return false;
}

void chunk_plan_gather(const struct chunk_plan_limits *limits, uint32_t number,
		       chunk_plan_find_fn *find, void *arg,
		       struct chunk_plan *ret)
{
	/* grows to both sides from the middle; one more to look at */
	uint32_t numbers[2 * CHUNK_PLAN_CHUNKS_MAX + 1];
	size_t first = CHUNK_PLAN_CHUNKS_MAX;
	size_t last = CHUNK_PLAN_CHUNKS_MAX;
	const struct chunk_ref *ref = find(arg, number);

	assert(ref);
	chunk_plan_init(ret, ref);
	numbers[first] = number;
	while (find_next(numbers[last], 1, find, arg, &numbers[last + 1],
			 &ref) &&
	       chunk_plan_join(ret, limits, ref))
		last++;
	while (find_next(numbers[first], -1, find, arg, &numbers[first - 1],
			 &ref) &&
	       chunk_plan_join(ret, limits, ref))
		first--;
	assert(ret->count == last - first + 1);
	memcpy(ret->numbers, numbers + first, ret->count * sizeof(*numbers));
	ret->first = CHUNK_PLAN_CHUNKS_MAX - first;
}
