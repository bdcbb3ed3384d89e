/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader under many threads, faults, and destruction in the middle; and
 * many processes that start on the same cold image at once.
 */
#include "fetch/chunk_loader.h"

#include "common/thread.h"
#include "fetch/chunk_cache.h"
#include "fetch/range_source.h"
#include "tests/support/fault_source.h"
#include "tests/support/memory_table.h"
#include "tests/support/temp_dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum {
	CHUNK = 4096,
	CHUNKS = 300,
	BLOB = CHUNK * CHUNKS,
	THREADS = 6,
	READS = 150,
	LIVES = 12,
	PROCESSES = 12,
};

static const struct chunk_loader_options options = {
	.memory_size = 10 * CHUNK,
	.flight_size_max = 64 * CHUNK,
	.request_size_max = 8 * CHUNK,
	.gap_size_max = CHUNK,
	.requests_max = 4,
	.worker_count = 3,
	.read_ahead_requests = 2,
};

static uint8_t blob[BLOB];
static char dir[TEMP_DIR_SIZE];
static struct memory_table *table;

/* Atomic: callbacks and readers of all threads. */
static unsigned wrong_count;
static unsigned failed_count;
static unsigned asked_count;
static unsigned answered_count;

static void count(unsigned *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void check(const struct chunk *chunk)
{
	if (memcmp(chunk->data, blob + (size_t)chunk->number * CHUNK, CHUNK))
		count(&wrong_count);
}

static void note_answer(void *arg, int result, struct chunk *const *chunks,
			size_t chunk_count, const struct error *err)
{
	(void)arg;
	(void)err;
	count(&answered_count);
	if (result < 0)
		count(&failed_count);
	for (size_t i = 0; i < chunk_count; i++)
		check(chunks[i]);
}

struct reader {
	struct chunk_loader *loader;
	unsigned seed;
};

static void read_once(struct chunk_loader *loader, uint32_t number,
		      unsigned what)
{
	uint32_t numbers[4] = { number, (number + 1) % CHUNKS,
				(number + 7) % CHUNKS, number };
	struct chunk *chunk = NULL;

	chunk_loader_note_read(loader, number / 50, number, 1, CHUNKS - 1);
	if (what < 4) {
		if (chunk_loader_request(loader, numbers, 4, CHUNK_DEMAND,
					 note_answer, NULL) == 0)
			count(&asked_count);
	} else if (what < 5) {
		chunk_loader_prefetch(loader, number, 20, CHUNK_FILL);
	} else if (what < 8) {
		if (chunk_loader_load(loader, number, &chunk) ==
		    CHUNK_LOADER_FOUND)
			check(chunk);
		chunk_unref(chunk);
	} else if (chunk_loader_get(loader, number, &chunk, NULL) == 0) {
		check(chunk);
		chunk_unref(chunk);
	}
}

static void *run_reader(void *arg)
{
	struct reader *reader = arg;
	uint32_t number = reader->seed % CHUNKS;

	for (unsigned i = 0; i < READS; i++) {
		unsigned random =
			(reader->seed = reader->seed * 1103515245u + 12345u);

		/* now and then a jump */
		number = (random >> 16) % 16 == 0 ? (random >> 8) % CHUNKS
						  : (number + 1) % CHUNKS;
		read_once(reader->loader, number, (random >> 20) % 12);
	}
	return NULL;
}

/* One loader from start to a destruction with requests in flight. */
static bool run_life(struct chunk_cache *cache, unsigned life)
{
	struct range_source *source = fault_source_create(blob, BLOB);
	struct reader readers[THREADS];
	pthread_t threads[THREADS];
	struct chunk_loader *loader = NULL;

	if (!source)
		return false;
	/* every other life without a cache, some without faults */
	if (life % 3)
		fault_source_set_chance(source, 30, 60);
	if (life % 4 == 3)
		fault_source_set_inline(source);
	if (chunk_loader_create(&table->table, &source, 1,
				life % 2 ? cache : NULL, &options, &loader,
				NULL) < 0)
		return false;
	for (unsigned i = 0; i < THREADS; i++) {
		readers[i].loader = loader;
		readers[i].seed = life * THREADS + i;
		if (thread_start(&threads[i], "reader", run_reader,
				 &readers[i]) < 0)
			return false;
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	chunk_loader_destroy(loader);
	range_source_destroy(source);
	return true;
}

static bool run_lives(void)
{
	struct chunk_cache *cache = NULL;
	bool is_good = true;

	if (chunk_cache_open(dir, CHUNKS / 2 * CHUNK, &cache, NULL) < 0)
		return false;
	for (unsigned life = 0; life < LIVES; life++)
		is_good &= run_life(cache, life);
	(void)chunk_cache_clear(cache, NULL);
	chunk_cache_close(cache);
	printf("# %u requests, %u of them failed, %u wrong\n", asked_count,
	       failed_count, wrong_count);
	return is_good && wrong_count == 0 && asked_count == answered_count;
}

/* Read the whole image, from a place of one's own on. */
static int run_process(unsigned start, struct chunk_loader_counters *ret)
{
	struct range_source *source = fault_source_create(blob, BLOB);
	struct chunk_loader *loader = NULL;
	struct chunk_cache *cache = NULL;

	if (!source || chunk_cache_open(dir, 1 << 30, &cache, NULL) < 0 ||
	    chunk_loader_create(&table->table, &source, 1, cache, &options,
				&loader, NULL) < 0)
		return 1;
	for (uint32_t i = 0; i < CHUNKS; i++) {
		uint32_t number = (start + i) % CHUNKS;
		struct chunk *chunk = NULL;

		chunk_loader_note_read(loader, 1, number, 1, CHUNKS - 1);
		if (chunk_loader_get(loader, number, &chunk, NULL) < 0)
			return 2;
		check(chunk);
		chunk_unref(chunk);
	}
	chunk_loader_get_counters(loader, ret);
	chunk_loader_destroy(loader);
	range_source_destroy(source);
	chunk_cache_close(cache);
	return wrong_count ? 3 : 0;
}

static bool run_processes(void)
{
	size_t size = PROCESSES * sizeof(struct chunk_loader_counters);
	struct chunk_loader_counters *counters =
		mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t fetched = 0;
	uint64_t waits = 0;
	bool is_good = true;
	int status;

	if (counters == MAP_FAILED)
		return false;
	for (unsigned i = 0; i < PROCESSES; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(run_process(i % 4 * 60, &counters[i]));
		is_good &= child > 0;
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		if (wait(&status) < 0 || status != 0) {
			printf("# a process ended with %x\n", status);
			is_good = false;
		}
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		fetched += counters[i].fetched_chunks;
		waits += counters[i].node_waits;
	}
	printf("# %llu chunks fetched of %d, %llu waits\n",
	       (unsigned long long)fetched, CHUNKS, (unsigned long long)waits);
	munmap(counters, size);
	return is_good && fetched == CHUNKS;
}

int main(void)
{
	bool is_shared;
	bool is_good;

	printf("1..2\n");
	fflush(stdout);
	temp_dir_create(dir);
	for (size_t i = 0; i < BLOB; i++)
		blob[i] = (uint8_t)(i * 2654435761u >> 13);
	table = memory_table_create(CHUNKS);
	memory_table_cut(table, 0, blob, BLOB, CHUNK);
	/* first, while there is no other thread to fork away from */
	is_shared = run_processes();
	printf("%s 1 - processes fetch each chunk once together\n",
	       is_shared ? "ok" : "not ok");
	is_good = run_lives();
	printf("%s 2 - every request is answered once and right\n",
	       is_good ? "ok" : "not ok");
	memory_table_destroy(table);
	temp_dir_remove(dir);
	return is_shared && is_good ? 0 : 1;
}
