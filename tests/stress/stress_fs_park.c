/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a filesystem against callbacks of its parked requests: each
 * request is answered exactly once, whoever comes first.
 */
#include "fs/fs_park.h"

#include <assert.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUND_COUNT = 500, THREAD_COUNT = 4, EACH_COUNT = 16 };

/* What stands for libfuse's requests: they count their answers. */
struct fuse_req {
	int answers;
};

struct callbacks {
	pthread_barrier_t *start;
	struct fs_parked *parked[EACH_COUNT];
};

/* Instead of libfuse's. */
int fuse_reply_err(fuse_req_t req, int err)
{
	(void)err;
	__atomic_add_fetch(&req->answers, 1, __ATOMIC_RELAXED);
	return 0;
}

static void *call_back(void *arg)
{
	struct callbacks *callbacks = arg;

	pthread_barrier_wait(callbacks->start);
	for (int i = 0; i < EACH_COUNT; i++) {
		struct fs_parked *parked = callbacks->parked[i];

		if (!fs_park_take(parked))
			continue;
		fuse_reply_err(parked->req, 0);
		fs_park_leave(parked);
	}
	return NULL;
}

/* How many of a round's requests were not answered exactly once. */
static int run_round(void)
{
	struct fuse_req reqs[THREAD_COUNT * EACH_COUNT] = { 0 };
	struct callbacks callbacks[THREAD_COUNT];
	pthread_t threads[THREAD_COUNT];
	pthread_barrier_t start;
	struct fs_park park;
	int wrong = 0;

	fs_park_init(&park);
	pthread_barrier_init(&start, NULL, THREAD_COUNT + 1);
	for (int t = 0; t < THREAD_COUNT; t++) {
		callbacks[t].start = &start;
		for (int i = 0; i < EACH_COUNT; i++) {
			callbacks[t].parked[i] =
				malloc(sizeof(struct fs_parked));
			assert(callbacks[t].parked[i]);
			fs_park_add(&park, callbacks[t].parked[i],
				    &reqs[t * EACH_COUNT + i]);
		}
		pthread_create(&threads[t], NULL, call_back, &callbacks[t]);
	}
	pthread_barrier_wait(&start);
	fs_park_fini(&park);
	for (int t = 0; t < THREAD_COUNT; t++)
		pthread_join(threads[t], NULL);
	pthread_barrier_destroy(&start);
	for (int i = 0; i < THREAD_COUNT * EACH_COUNT; i++)
		wrong += reqs[i].answers != 1;
	return wrong;
}

int main(void)
{
	int wrong = 0;

	for (int i = 0; i < ROUND_COUNT; i++)
		wrong += run_round();
	printf("1..1\n%sok 1 - every request is answered exactly once\n",
	       wrong ? "not " : "");
	return wrong != 0;
}
