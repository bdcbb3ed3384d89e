/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/bench_plan.h"

#include "common/error.h"
#include "tools/bench_child.h"
#include "tools/command.h"
#include "tools/tree_removal.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORDS_MAX = 32 };

static const struct {
	const char *name;
	const char *meaning;
} texts[BENCH_KIND_COUNT] = {
	[BENCH_FIRST] = { "nothing prepared",
			  "nothing here: the index comes from beside the "
			  "image, or is made by reading it" },
	[BENCH_COLD] = { "cold", "index at hand, nothing in the cache" },
	[BENCH_PROFILE] = { "cold, profile",
			    "the same, and a profile of an earlier run" },
	[BENCH_WARM] = { "warm", "on a node that ran it before" },
	[BENCH_FULL] = { "all fetched first",
			 "every layer fetched in parallel, then the command" },
};

/* Where things lie, below the folder. */
struct places {
	char folder[PATH_MAX - 64];
	char index[PATH_MAX];	/* "" until there is one */
	char profile[PATH_MAX]; /* "" when there is none */
};

const char *bench_plan_name(enum bench_kind kind)
{
	return texts[kind].name;
}

const char *bench_plan_meaning(enum bench_kind kind)
{
	return texts[kind].meaning;
}

bool bench_plan_is_shown(const struct bench_plan *plan, enum bench_kind kind)
{
	return kind != BENCH_FIRST || !plan->common->index;
}

/* ---- folders ---- */

static void path_in(const struct places *places, const char *name,
		    char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/%s", places->folder, name);
}

static int make_folder(const struct bench_plan *plan, struct places *places,
		       struct error *err)
{
	int size = snprintf(places->folder, sizeof(places->folder),
			    "%s/lazyrun-bench.XXXXXX", plan->work_dir);

	if (size < 0 || (size_t)size >= sizeof(places->folder))
		return error_set(err, -ENAMETOOLONG,
				 "the path of --work-dir is too long");
	if (!mkdtemp(places->folder))
		return error_set_errno(err, -errno,
				       "cannot make a folder in %s (--work-dir "
				       "chooses another)",
				       plan->work_dir);
	return 0;
}

/* ---- one lazyrun ---- */

struct words {
	const char *items[WORDS_MAX];
	size_t count;
};

static void add(struct words *words, const char *first, ...)
{
	va_list more;

	va_start(more, first);
	for (const char *word = first; word; word = va_arg(more, const char *))
		if (words->count + 1 < WORDS_MAX)
			words->items[words->count++] = word;
	va_end(more);
}

/* What every lazyrun of a benchmark is told; the rest it has from the
 * environment and the configuration, as the user's own. */
static void add_common(const struct bench_plan *plan,
		       const struct places *places, struct words *words,
		       const char *command, const char *cache)
{
	add(words, "lazyrun", command, "-q", "--cache-dir", cache, NULL);
	if (places->index[0])
		add(words, "--index", places->index, NULL);
	if (plan->common->insecure)
		add(words, "--insecure", NULL);
	if (plan->common->platform)
		add(words, "--platform", plan->common->platform, NULL);
}

/* Words, then the image, then @tail.  Return: as bench_child_run(). */
static int run(const struct bench_plan *plan, const struct words *words,
	       char *const *tail, double *ret_ms, struct error *err)
{
	size_t count = words->count;
	const char **argv;
	int r;

	for (char *const *word = tail; word && *word; word++)
		count++;
	argv = calloc(count + 2, sizeof(*argv));
	if (!argv)
		return error_set(err, -ENOMEM, "out of memory");
	memcpy(argv, words->items, words->count * sizeof(*argv));
	count = words->count;
	argv[count++] = plan->image;
	for (; tail && *tail; tail++)
		argv[count++] = *tail;
	r = bench_child_run(argv, plan->timeout_ms, ret_ms, err);
	free(argv);
	return r;
}

/* The same with a trace, behind what @result has already; a status is a
 * failure. */
static int run_traced(const struct bench_plan *plan,
		      const struct places *places, struct words *words,
		      char *const *tail, struct bench_result *result,
		      struct error *err)
{
	char trace[PATH_MAX];
	double ms = 0;
	int r;

	path_in(places, "trace", trace);
	unlink(trace);
	add(words, "--trace", trace, NULL);
	r = run(plan, words, tail, &ms, err);
	if (r > 0)
		return error_set(err, -EIO,
				 "`lazyrun %s` ended with status %d; try it "
				 "alone first",
				 words->items[1], r);
	if (r == 0)
		r = bench_trace_load(trace, result->seconds * 1000,
				     &result->trace, err);
	result->seconds += ms / 1000;
	return r;
}

static int exec(const struct bench_plan *plan, const struct places *places,
		const char *cache, const char *profile, bool is_warm,
		struct bench_result *result, struct error *err)
{
	struct words words = { 0 };
	int r;

	add_common(plan, places, &words, "exec", cache);
	add(&words, "--profile", profile, NULL);
	/* a cold cache has none, and is gone before one could be made */
	if (!is_warm)
		add(&words, "--hot-tree", "off", NULL);
	r = run_traced(plan, places, &words, plan->command, result, err);
	result->began_seconds = bench_trace_find(&result->trace, "exec") / 1000;
	return r;
}

static int pull(const struct bench_plan *plan, const struct places *places,
		const char *cache, struct bench_result *result,
		struct error *err)
{
	struct words words = { 0 };

	add_common(plan, places, &words, "pull", cache);
	return run_traced(plan, places, &words, NULL, result, err);
}

/* ---- the plan ---- */

/* The index that the first run left in its cache. */
static void find_index(struct places *places)
{
	char pattern[PATH_MAX];
	glob_t found = { 0 };

	path_in(places, "warm/index/*.lzi", pattern);
	/* one thread, no '~'; NOLINTNEXTLINE(concurrency-mt-unsafe) */
	if (glob(pattern, 0, NULL, &found) == 0)
		snprintf(places->index, sizeof(places->index), "%s",
			 found.gl_pathv[0]);
	globfree(&found);
}

/* The profile that it recorded; none is no failure. */
static int find_profile(const struct bench_plan *plan, struct places *places,
			const char *cache, struct error *err)
{
	struct words words = { 0 };
	char path[PATH_MAX];
	double ms;
	int r;

	path_in(places, "profile", path);
	add_common(plan, places, &words, "profile", cache);
	add(&words, "-o", path, "export", NULL);
	r = run(plan, &words, NULL, &ms, err);
	if (r == 0)
		snprintf(places->profile, sizeof(places->profile), "%s", path);
	return r < 0 ? r : 0;
}

/* One more run of a kind; a cold cache is gone afterwards. */
static int add_run(const struct bench_plan *plan, const struct places *places,
		   enum bench_kind kind, struct error *err)
{
	const bool is_warm = kind == BENCH_WARM || kind == BENCH_FIRST;
	const char *profile = is_warm		      ? "auto"
			      : kind == BENCH_PROFILE ? places->profile
						      : "off";
	struct bench_runs *runs = &plan->kinds[kind];
	struct bench_result *result = &runs->items[runs->count];
	char cache[PATH_MAX];
	int r = 0;

	if (!plan->common->quiet)
		fprintf(stderr, "lazyrun: %s, run %zu\n", bench_plan_name(kind),
			runs->count + 1);
	path_in(places, is_warm ? "warm" : "cold", cache);
	runs->count++;
	if (kind == BENCH_FULL)
		r = pull(plan, places, cache, result, err);
	if (r == 0)
		r = exec(plan, places, cache, profile, is_warm, result, err);
	bench_child_wait_rest(plan->timeout_ms);
	if (!is_warm)
		tree_removal_run(cache);
	return r;
}

static int run_all(const struct bench_plan *plan, struct places *places,
		   struct error *err)
{
	char warm_cache[PATH_MAX];
	int r;

	path_in(places, "warm", warm_cache);
	if (plan->common->index)
		snprintf(places->index, sizeof(places->index), "%s",
			 plan->common->index);
	r = add_run(plan, places, BENCH_FIRST, err);
	if (r == 0 && !places->index[0])
		find_index(places);
	if (r == 0)
		r = find_profile(plan, places, warm_cache, err);
	for (unsigned i = 0; r == 0 && i < plan->runs; i++) {
		r = add_run(plan, places, BENCH_COLD, err);
		if (r == 0 && places->profile[0])
			r = add_run(plan, places, BENCH_PROFILE, err);
		if (r == 0)
			r = add_run(plan, places, BENCH_WARM, err);
	}
	return r < 0 ? r : add_run(plan, places, BENCH_FULL, err);
}

int bench_plan_run(struct bench_plan *plan, struct error *err)
{
	struct places places = { 0 };
	int r = make_folder(plan, &places, err);

	if (r < 0)
		return r;
	plan->kinds = calloc(BENCH_KIND_COUNT, sizeof(*plan->kinds));
	r = plan->kinds ? run_all(plan, &places, err)
			: error_set(err, -ENOMEM, "out of memory");
	tree_removal_run(places.folder);
	return r;
}

void bench_plan_fini(struct bench_plan *plan)
{
	for (size_t kind = 0; plan->kinds && kind < BENCH_KIND_COUNT; kind++)
		for (size_t i = 0; i < plan->kinds[kind].count; i++)
			bench_trace_fini(&plan->kinds[kind].items[i].trace);
	free(plan->kinds);
	plan->kinds = NULL;
}
