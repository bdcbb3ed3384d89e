/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/profile_plan.h"

#include "common/chunk_ref.h"
#include "common/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	MIB = 1 << 20,
	EARLY_PART_HALVES = 5, /* of a head's part */
};

/* A run of wanted chunks, and the gap behind it. */
struct run {
	uint32_t first;
	uint32_t last;
	uint32_t first_ms;
	uint32_t blob;
	uint64_t off;
	uint64_t end;
	bool is_joined; /* with the next one */
	bool is_last;	/* before a chunk of the head: never joined */
};

struct gap {
	uint64_t size;
	uint32_t run; /* before it */
};

static int compare_numbers(const void *a, const void *b)
{
	const struct profile_chunk *x = a;
	const struct profile_chunk *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int compare_gaps(const void *a, const void *b)
{
	const struct gap *x = a;
	const struct gap *y = b;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return (x->run > y->run) - (x->run < y->run);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct profile_plan_range *x = a;
	const struct profile_plan_range *y = b;

	if (x->first_ms != y->first_ms)
		return x->first_ms < y->first_ms ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

/* Runs of the chunks, which are by number, without the head's; how many.
 * @is_head: NULL: none is */
static uint32_t make_runs(const struct chunk_table *table,
			  const struct profile_chunk *wanted, uint32_t count,
			  const bool *is_head, struct run *runs)
{
	uint32_t made = 0;
	struct chunk_ref ref;

	for (uint32_t i = 0; i < count; i++) {
		struct run *run = made > 0 ? &runs[made - 1] : NULL;
		uint64_t end;

		if (is_head && is_head[i]) {
			if (run)
				run->is_last = true;
			continue;
		}
		if (chunk_table_get(table, wanted[i].number, &ref) < 0)
			continue;
		end = ref.stored_off + ref.stored_size;
		if (run && !run->is_last && run->last + 1 == wanted[i].number &&
		    run->blob == ref.blob && end > run->end) {
			run->last = wanted[i].number;
			run->end = end;
			if (wanted[i].first_ms < run->first_ms)
				run->first_ms = wanted[i].first_ms;
			continue;
		}
		runs[made++] = (struct run){
			.first = wanted[i].number,
			.last = wanted[i].number,
			.first_ms = wanted[i].first_ms,
			.blob = ref.blob,
			.off = ref.stored_off,
			.end = end,
		};
	}
	return made;
}

static uint32_t make_gaps(const struct run *runs, uint32_t count,
			  struct gap *gaps)
{
	uint32_t made = 0;

	for (uint32_t i = 0; i + 1 < count; i++) {
		if (runs[i].is_last || runs[i].blob != runs[i + 1].blob ||
		    runs[i + 1].off < runs[i].end)
			continue;
		gaps[made++] = (struct gap){ runs[i + 1].off - runs[i].end, i };
	}
	if (made > 1)
		qsort(gaps, made, sizeof(*gaps), compare_gaps);
	return made;
}

static uint64_t parts_of(uint64_t size, size_t part_max)
{
	return (size + part_max - 1) / part_max;
}

/* Ranges saved by joining the two sides of a gap: 0 or 1, as things are. */
static uint64_t saved_by(const struct run *runs, uint32_t count, uint32_t gap,
			 size_t part_max)
{
	uint32_t from = gap;
	uint32_t to = gap + 1;
	uint64_t left;
	uint64_t right;
	uint64_t both;
	uint64_t apart;

	while (from > 0 && runs[from - 1].is_joined)
		from--;
	while (to + 1 < count && runs[to].is_joined)
		to++;
	left = runs[gap].end - runs[from].off;
	right = runs[to].end - runs[gap + 1].off;
	both = parts_of(runs[to].end - runs[from].off, part_max);
	apart = parts_of(left, part_max) + parts_of(right, part_max);
	return apart > both ? apart - both : 0;
}

/* @free_ranges: beside one for each MiB; may be negative */
static void join_runs(struct run *runs, uint32_t count, struct gap *gaps,
		      uint32_t gap_count, int64_t free_ranges,
		      const struct profile_plan_limits *limits)
{
	uint64_t wanted = 0;
	uint64_t extra = 0;
	int64_t ranges = 0;

	for (uint32_t i = 0; i < count; i++) {
		wanted += runs[i].end - runs[i].off;
		ranges += (int64_t)parts_of(runs[i].end - runs[i].off,
					    limits->request_size_max);
	}
	for (uint32_t i = 0; i < gap_count; i++) {
		uint64_t saved = saved_by(runs, count, gaps[i].run,
					  limits->request_size_max);
		bool is_small = gaps[i].size < limits->gap_size_min;

		if (!is_small &&
		    (ranges <=
			     (int64_t)((wanted + extra) / MIB) + free_ranges ||
		     extra + gaps[i].size > wanted / PROFILE_PLAN_GAP_SHARE))
			break;
		if (saved == 0)
			continue;
		runs[gaps[i].run].is_joined = true;
		extra += gaps[i].size;
		ranges -= (int64_t)saved;
	}
}

struct cut {
	struct profile_plan_range *ranges;
	uint32_t count;
	uint32_t room;
	/* Runs needed by then have parts of this size at most, while there are
	 * such parts to spare. */
	uint32_t early_ms;
	size_t early_part_size;
	uint64_t early_spare;
};

static int add_range(struct cut *cut, const struct profile_plan_range *range)
{
	struct profile_plan_range *ranges;
	uint32_t room = cut->room ? cut->room * 2 : 64;

	if (cut->count == cut->room) {
		ranges = reallocarray(cut->ranges, room, sizeof(*ranges));
		if (!ranges)
			return -ENOMEM;
		cut->ranges = ranges;
		cut->room = room;
	}
	cut->ranges[cut->count++] = *range;
	return 0;
}

/* The place of the first wanted chunk from number @first on. */
static uint32_t find_place(const struct profile_chunk *wanted, uint32_t count,
			   uint32_t first)
{
	uint32_t low = 0;
	uint32_t high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (wanted[middle].number < first)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* When the first chunk of [first, last] is needed; gaps never are. */
static uint32_t needed_ms(const struct profile_chunk *wanted, uint32_t count,
			  uint32_t first, uint32_t last)
{
	uint32_t first_ms = UINT32_MAX;

	for (uint32_t i = find_place(wanted, count, first);
	     i < count && wanted[i].number <= last; i++)
		if (wanted[i].first_ms < first_ms)
			first_ms = wanted[i].first_ms;
	return first_ms;
}

/* The chunks of runs that are joined, in parts of about the same size. */
static int cut_run(const struct chunk_table *table,
		   const struct profile_chunk *wanted, uint32_t count,
		   const struct run *from, const struct run *to,
		   size_t request_size_max, struct cut *cut)
{
	uint64_t size = to->end - from->off;
	struct profile_plan_range range = { .first = from->first };
	struct chunk_ref ref;
	uint64_t parts;
	uint64_t part_size;
	int r = 0;

	parts = parts_of(size, request_size_max);
	if (cut->early_spare > 0 &&
	    needed_ms(wanted, count, from->first, to->last) <= cut->early_ms) {
		uint64_t more = parts_of(size, cut->early_part_size);

		more = more > parts ? more - parts : 0;
		if (more > cut->early_spare)
			more = cut->early_spare;
		cut->early_spare -= more;
		parts += more;
	}
	part_size = (size + parts - 1) / parts;
	for (uint32_t number = from->first; r == 0; number++) {
		if (chunk_table_get(table, number, &ref) < 0)
			return r;
		range.size += ref.stored_size;
		range.count++;
		if (number < to->last && range.size < part_size)
			continue;
		range.first_ms = needed_ms(wanted, count, range.first, number);
		r = add_range(cut, &range);
		if (number == to->last)
			return r;
		range = (struct profile_plan_range){ .first = number + 1 };
	}
	return r;
}

static int cut_runs(const struct chunk_table *table,
		    const struct profile_chunk *wanted, uint32_t count,
		    const struct run *runs, uint32_t run_count,
		    size_t request_size_max, struct cut *cut)
{
	uint32_t to;
	int r = 0;

	for (uint32_t from = 0; r == 0 && from < run_count; from = to + 1) {
		for (to = from; runs[to].is_joined; to++)
			assert(to + 1 < run_count);
		r = cut_run(table, wanted, count, &runs[from], &runs[to],
			    request_size_max, cut);
	}
	return r;
}

static void sort_ranges(struct cut *cut)
{
	if (cut->count > 1)
		qsort(cut->ranges, cut->count, sizeof(*cut->ranges),
		      compare_ranges);
}

/*
 * The head's ranges; is_head says which chunks are in them.
 * @wanted: by number
 */
static int cut_head(const struct chunk_table *table,
		    const struct profile_chunk *wanted, uint32_t count,
		    const struct profile_plan_limits *limits, struct run *runs,
		    bool *is_head, struct cut *cut)
{
	uint32_t run_count = make_runs(table, wanted, count, NULL, runs);
	uint64_t size = 0;
	uint32_t made = 0;
	int r = cut_runs(table, wanted, count, runs, run_count,
			 limits->head_part_size, cut);

	sort_ranges(cut);
	while (r == 0 && made < cut->count && size < limits->head_size &&
	       made < PROFILE_PLAN_HEAD_PARTS_MAX) {
		const struct profile_plan_range *part = &cut->ranges[made++];
		uint32_t at = find_place(wanted, count, part->first);

		/* every chunk of a part is wanted */
		memset(is_head + at, true, part->count);
		size += part->size;
	}
	cut->count = made;
	return r;
}

/* What the head has more than one for each MiB. */
static int64_t beyond_share(const struct cut *head)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < head->count; i++)
		size += head->ranges[i].size;
	return (int64_t)head->count - (int64_t)(size / MIB);
}

/* @last: the head's last range */
static void allow_early_parts(struct cut *cut,
			      const struct profile_plan_range *last,
			      const struct profile_plan_limits *limits)
{
	cut->early_ms = last->first_ms + last->first_ms / 4;
	cut->early_part_size = limits->head_part_size / 2 * EARLY_PART_HALVES;
	cut->early_spare = PROFILE_PLAN_EARLY_PARTS;
}

int profile_plan_make(const struct chunk_table *table,
		      struct profile_chunk *wanted, uint32_t count,
		      const struct profile_plan_limits *limits,
		      struct profile_plan_range **ret, uint32_t *ret_count)
{
	autofree struct run *runs = calloc((size_t)count + 1, sizeof(*runs));
	autofree struct gap *gaps = calloc((size_t)count + 1, sizeof(*gaps));
	autofree bool *is_head = calloc((size_t)count + 1, sizeof(*is_head));
	struct cut cut = { 0 };
	struct cut rest = { 0 };
	uint32_t run_count;
	int r = 0;

	assert(limits->request_size_max > 0);
	assert(limits->head_size == 0 || limits->head_part_size > 0);
	assert(limits->ranges_spare <= PROFILE_PLAN_RANGES_FREE);
	if (!runs || !gaps || !is_head)
		return -ENOMEM;
	if (count > 1)
		qsort(wanted, count, sizeof(*wanted), compare_numbers);
	if (limits->head_size > 0)
		r = cut_head(table, wanted, count, limits, runs, is_head, &cut);
	run_count = make_runs(table, wanted, count, is_head, runs);
	join_runs(runs, run_count, gaps, make_gaps(runs, run_count, gaps),
		  PROFILE_PLAN_RANGES_FREE - (int64_t)limits->ranges_spare -
			  beyond_share(&cut),
		  limits);
	if (cut.count > 0)
		allow_early_parts(&rest, &cut.ranges[cut.count - 1], limits);
	if (r == 0)
		r = cut_runs(table, wanted, count, runs, run_count,
			     limits->request_size_max, &rest);
	sort_ranges(&rest);
	for (uint32_t i = 0; r == 0 && i < rest.count; i++)
		r = add_range(&cut, &rest.ranges[i]);
	free(rest.ranges);
	if (r < 0) {
		free(cut.ranges);
		return r;
	}
	*ret = cut.ranges;
	*ret_count = cut.count;
	return 0;
}
