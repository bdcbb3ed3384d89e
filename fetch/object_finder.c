/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: `lock` protects the list of asks.  The finder's thread takes them
 * all, finds what they wish for together, hands each its result on the network
 * thread, and ends when there are no more; the next ask starts another.
 */
#include "fetch/object_finder.h"

#include "common/error.h"
#include "common/thread.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <utlist.h>

struct ask {
	struct ask *prev;
	struct ask *next;
	unsigned wishes;
	object_found_fn *done;
	void *arg;
	int result;
	struct error err;
};

struct object_finder {
	/* -- fixed -- */
	struct http_client *client;
	object_find_fn *find;
	void *find_arg;
	struct http_watch watch; /* abandoned by stop */
	struct mutex lock;
	/* -- protected by lock -- */
	struct object *object GUARDED; /* borrowed, while the thread runs */
	struct ask *asks GUARDED;
	bool has_thread GUARDED; /* to be joined */
	bool is_running GUARDED;
	bool is_stopping GUARDED;
	pthread_t thread GUARDED;
};

struct object_finder *object_finder_create(struct http_client *client,
					   object_find_fn *find, void *arg)
{
	struct object_finder *finder = calloc(1, sizeof(*finder));

	if (!finder)
		return NULL;
	finder->client = client;
	finder->find = find;
	finder->find_arg = arg;
	mutex_init(&finder->lock);
	return finder;
}

void object_finder_destroy(struct object_finder *finder)
{
	if (!finder)
		return;
	mutex_fini(&finder->lock);
	free(finder);
}

/* ---- its thread ---- */

static void deliver(void *arg)
{
	struct ask *ask = arg;

	ask->done(ask->arg, ask->result, &ask->err);
	free(ask);
}

static struct ask *take_asks(struct object_finder *finder,
			     struct object **ret_object)
{
	struct ask *asks;

	mutex_lock(&finder->lock);
	asks = finder->asks;
	finder->asks = NULL;
	finder->is_running = asks;
	*ret_object = finder->object;
	mutex_unlock(&finder->lock);
	return asks;
}

static void end_ask(struct object_finder *finder, struct ask *ask, int result,
		    const struct error *err)
{
	if (!ask->done) {
		free(ask);
		return;
	}
	ask->result = result;
	ask->err = *err;
	/* A client that is being destroyed takes no more timers; its network
	 * thread then calls nothing that could collide with this. */
	if (http_client_run_later(finder->client, 0, deliver, ask) < 0)
		deliver(ask);
}

static unsigned unite_wishes(const struct ask *asks)
{
	unsigned wishes = 0;
	const struct ask *ask;

	DL_FOREACH (asks, ask)
		wishes |= ask->wishes;
	return wishes;
}

static void end_asks(struct object_finder *finder, struct ask *asks, int result,
		     const struct error *err)
{
	struct ask *ask;

	while ((ask = asks)) {
		DL_DELETE(asks, ask);
		end_ask(finder, ask, result, err);
	}
}

static void *finder_thread(void *arg)
{
	struct object_finder *finder = arg;
	struct object *object;
	struct ask *asks;

	while ((asks = take_asks(finder, &object))) {
		struct error err = { 0 };
		int r = finder->find(finder->find_arg, object,
				     unite_wishes(asks), &finder->watch, &err);

		end_asks(finder, asks, r, &err);
	}
	return NULL;
}

/* ---- asking ---- */

/* The last thread has nothing left to do but to return. */
static int start_thread_locked(struct object_finder *finder)
	REQUIRES(finder->lock)
{
	int r;

	if (finder->has_thread)
		pthread_join(finder->thread, NULL);
	r = thread_start(&finder->thread, "object-finder", finder_thread,
			 finder);
	finder->has_thread = r == 0;
	finder->is_running = r == 0;
	return r;
}

static int ask_locked(struct object_finder *finder, struct object *object,
		      struct ask *ask) REQUIRES(finder->lock)
{
	int r;

	if (finder->is_stopping)
		return -ECANCELED;
	finder->object = object;
	DL_APPEND(finder->asks, ask);
	if (finder->is_running)
		return 0;
	r = start_thread_locked(finder);
	if (r < 0)
		DL_DELETE(finder->asks, ask);
	return r;
}

int object_finder_ask(struct object_finder *finder, struct object *object,
		      unsigned wishes, object_found_fn *done, void *arg)
{
	struct ask *ask = calloc(1, sizeof(*ask));
	int r;

	assert(wishes);
	if (!ask)
		return -ENOMEM;
	ask->wishes = wishes;
	ask->done = done;
	ask->arg = arg;
	mutex_lock(&finder->lock);
	r = ask_locked(finder, object, ask);
	mutex_unlock(&finder->lock);
	if (r < 0)
		free(ask);
	return r;
}

void object_finder_stop(struct object_finder *finder)
{
	bool has_thread;
	pthread_t thread;

	__atomic_store_n(&finder->watch.is_abandoned, true, __ATOMIC_RELEASE);
	mutex_lock(&finder->lock);
	finder->is_stopping = true;
	has_thread = finder->has_thread;
	finder->has_thread = false;
	thread = finder->thread;
	mutex_unlock(&finder->lock);
	if (has_thread)
		pthread_join(thread, NULL);
}
