/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/object_index_search.h"

#include "common/digest.h"
#include "common/error.h"
#include "common/thread.h"
#include "fetch/object_source.h"
#include "tools/object_index.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct object_index_search {
	/* immutable once the thread runs */
	const struct image_ref *ref;
	struct object_source_options options;
	int cache_dir_fd;
	pthread_t thread;

	bool is_running; /* the owner's */

	/* the thread's, and the owner's once it is joined */
	int result;
	struct digest digest;
	struct error err;

	struct mutex lock;
	struct condition located_wakes;
	/* -- protected by lock */
	bool is_located GUARDED;
};

static void note_located(void *arg)
{
	struct object_index_search *search = arg;

	mutex_lock(&search->lock);
	search->is_located = true;
	condition_signal(&search->located_wakes);
	mutex_unlock(&search->lock);
}

static void *run(void *arg)
{
	struct object_index_search *search = arg;

	search->result = object_index_fetch(search->ref, &search->options,
					    search->cache_dir_fd,
					    &search->digest, &search->err);
	note_located(search); /* it may have failed before that */
	return NULL;
}

static void join(struct object_index_search *search)
{
	if (search->is_running)
		pthread_join(search->thread, NULL);
	search->is_running = false;
}

void object_index_search_destroy(struct object_index_search *search)
{
	if (!search)
		return;
	join(search);
	condition_fini(&search->located_wakes);
	mutex_fini(&search->lock);
	free(search);
}

int object_index_search_start(const struct image_ref *ref,
			      const struct object_source_options *options,
			      int cache_dir_fd,
			      struct object_index_search **ret,
			      struct error *err)
{
	struct object_index_search *search = calloc(1, sizeof(*search));
	int r;

	if (!search)
		return error_set(err, -ENOMEM, "out of memory");
	search->ref = ref;
	search->options = *options;
	search->options.located = note_located;
	search->options.located_arg = search;
	search->cache_dir_fd = cache_dir_fd;
	mutex_init(&search->lock);
	condition_init(&search->located_wakes);
	r = thread_start(&search->thread, "index-search", run, search);
	if (r < 0) {
		object_index_search_destroy(search);
		return error_set_errno(err, r, "cannot start a thread");
	}
	search->is_running = true;
	mutex_lock(&search->lock);
	/* every request of the thread has a deadline, so this wait has */
	while (!search->is_located)
		condition_wait(&search->located_wakes, &search->lock);
	mutex_unlock(&search->lock);
	*ret = search;
	return 0;
}

int object_index_search_end(struct object_index_search *search,
			    struct digest *ret, struct error *err)
{
	join(search);
	if (search->result == OBJECT_INDEX_FOUND)
		*ret = search->digest;
	else if (err)
		*err = search->err; /* of an absent one there is none */
	return search->result;
}
