/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads and processes store, load, remove, collect and clear in one cache
 * that is far too small.  What is loaded must be right; what is left must be
 * within the bound.
 */
#include "common/thread.h"
#include "fetch/chunk_cache.h"
#include "tests/support/temp_dir.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum {
	PROCESSES = 3,
	THREADS = 4,
	ROUNDS = 1500,
	KEYS = 200,
	SIZE = 2000,
	BOUND = 60 * SIZE,
};

struct job {
	struct chunk_cache *cache;
	unsigned seed;
	unsigned hits;
	unsigned wrong;
};

static char dir[TEMP_DIR_SIZE];

static void fill(unsigned number, uint8_t *ret_data)
{
	for (unsigned i = 0; i < SIZE; i++)
		ret_data[i] = (uint8_t)(number * 31 + i);
}

static void load(struct job *job, const struct digest *key, unsigned number)
{
	uint8_t expected[SIZE];
	uint8_t loaded[SIZE];

	if (chunk_cache_load(job->cache, key, loaded, SIZE) != CHUNK_CACHE_HIT)
		return;
	fill(number, expected);
	job->hits++;
	job->wrong += memcmp(expected, loaded, SIZE) != 0;
}

static void claim(struct job *job, const struct digest *key)
{
	if (chunk_cache_try_claim(job->cache, key) == CHUNK_CACHE_CLAIMED)
		chunk_cache_unclaim(job->cache, key);
}

static void *run(void *arg)
{
	struct job *job = arg;
	uint8_t data[SIZE];

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned random =
			(job->seed = job->seed * 1103515245u + 12345u);
		unsigned number = (random >> 8) % KEYS;
		unsigned what = (random >> 20) % 100;
		struct digest key;

		digest_compute(&number, sizeof(number), &key);
		if (what < 40) {
			fill(number, data);
			(void)chunk_cache_store(job->cache, &key, data, SIZE);
		} else if (what < 90) {
			load(job, &key, number);
		} else if (what < 95) {
			claim(job, &key);
		} else if (what < 98) {
			chunk_cache_remove(job->cache, &key);
		} else if (what < 99) {
			(void)chunk_cache_collect(job->cache, NULL);
		} else if (random >> 27 == 0) {
			(void)chunk_cache_clear(job->cache, NULL);
		}
	}
	return NULL;
}

/* 0 when every byte was right and something was hit */
static int run_process(unsigned seed)
{
	struct job jobs[THREADS] = { 0 };
	pthread_t threads[THREADS];
	struct chunk_cache *cache = NULL;
	unsigned hits = 0;
	unsigned wrong = 0;

	if (chunk_cache_open(dir, BOUND, &cache, NULL) < 0)
		return 2;
	for (unsigned i = 0; i < THREADS; i++) {
		jobs[i].cache = cache;
		jobs[i].seed = seed * THREADS + i;
		if (thread_start(&threads[i], "stress", run, &jobs[i]) < 0)
			return 3;
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		hits += jobs[i].hits;
		wrong += jobs[i].wrong;
	}
	chunk_cache_close(cache);
	return wrong > 0 ? 4 : hits == 0 ? 5 : 0;
}

static bool run_processes(void)
{
	bool is_good = true;
	int status;

	for (unsigned i = 0; i < PROCESSES; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(run_process(i + 1));
		is_good &= child > 0;
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		if (wait(&status) < 0 || status != 0) {
			printf("# a process ended with %x\n", status);
			is_good = false;
		}
	}
	return is_good;
}

static bool is_within_bound(void)
{
	struct chunk_cache_figures figures = { 0 };
	struct chunk_cache *cache = NULL;

	if (chunk_cache_open(dir, BOUND, &cache, NULL) < 0)
		return false;
	(void)chunk_cache_get_figures(cache, &figures, NULL);
	chunk_cache_close(cache);
	printf("# %llu chunks, %llu bytes of %d\n",
	       (unsigned long long)figures.count,
	       (unsigned long long)figures.size, BOUND);
	/* each process may be a sixteenth ahead of its next collection */
	return figures.count > 0 &&
	       figures.size <= BOUND + (PROCESSES + 1) * BOUND / 16;
}

int main(void)
{
	bool is_good;
	bool is_bounded;

	printf("1..2\n");
	fflush(stdout);
	temp_dir_create(dir);
	is_good = run_processes();
	printf("%s 1 - what is loaded is right\n", is_good ? "ok" : "not ok");
	is_bounded = is_within_bound();
	printf("%s 2 - the bound holds\n", is_bounded ? "ok" : "not ok");
	temp_dir_remove(dir);
	return is_good && is_bounded ? 0 : 1;
}
