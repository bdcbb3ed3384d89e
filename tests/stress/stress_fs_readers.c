/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers that are called from many threads while others end their turns: never
 * more at work than may be, and none when they have been stopped.
 */
#include "fs/fs_readers.h"

#include <assert.h>
#include <sched.h>
#include <stdio.h>

enum { ROUND_COUNT = 100, THREAD_COUNT = 4, CALL_COUNT = 200, READERS = 2 };

struct round {
	struct fs_readers readers;
	unsigned at_work; /* atomic */
	unsigned most;	  /* atomic: too many were seen */
	unsigned turns;	  /* atomic */
};

/* Calls the others, too, as a reader does. */
static void take_turn(void *arg)
{
	struct round *round = arg;

	if (__atomic_add_fetch(&round->at_work, 1, __ATOMIC_RELAXED) > READERS)
		__atomic_store_n(&round->most, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&round->turns, 1, __ATOMIC_RELAXED);
	fs_readers_call(&round->readers, READERS);
	__atomic_sub_fetch(&round->at_work, 1, __ATOMIC_RELAXED);
}

static void *call(void *arg)
{
	struct round *round = arg;

	for (unsigned i = 0; i < CALL_COUNT; i++)
		fs_readers_call(&round->readers, 1 + i % (READERS + 1));
	return NULL;
}

/* Whether it went wrong. */
static int run_round(void)
{
	struct round round = { 0 };
	pthread_t threads[THREAD_COUNT];
	int r = 0;

	fs_readers_init(&round.readers, READERS, take_turn, &round);
	for (int t = 0; t < THREAD_COUNT; t++)
		r |= pthread_create(&threads[t], NULL, call, &round);
	assert(r == 0);
	for (int t = 0; t < THREAD_COUNT; t++)
		pthread_join(threads[t], NULL);
	/* what was called comes, when nobody stops it before */
	while (__atomic_load_n(&round.turns, __ATOMIC_RELAXED) == 0)
		sched_yield();
	fs_readers_fini(&round.readers);
	return round.most || round.at_work != 0;
}

int main(void)
{
	int wrong = 0;

	for (int i = 0; i < ROUND_COUNT; i++)
		wrong += run_round();
	printf("1..1\n%sok 1 - no more at work than may be, none at the end\n",
	       wrong ? "not " : "");
	return wrong != 0;
}
