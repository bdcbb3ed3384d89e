/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads fetch ranges of one blob through a registry whose tokens and
 * URLs keep expiring and whose storage keeps failing, while other blobs are
 * opened and destroyed with requests under way.  Every byte must be right and
 * every fetch must be answered once.
 */
#include "common/clock.h"
#include "common/error.h"
#include "common/thread.h"
#include "fetch/http_client.h"
#include "fetch/range_source.h"
#include "fetch/registry.h"
#include "tests/support/fake_registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	BLOB_SIZE = 1 << 20,
	READERS = 6,
	FETCHES = 150,
	DESTROYS = 40,
	RANGES_PER_DESTROY = 8,
};

struct scene {
	uint8_t *blob;
	struct digest digest;
	struct fake_registry *fake;
	struct registry *registry;
	struct range_source *source;
	struct mutex lock;
	struct condition changed;
	/* -- protected by lock -- */
	unsigned answered GUARDED;
	unsigned failed GUARDED;
	unsigned wrong GUARDED;
	unsigned canceled GUARDED;
};

struct wanted {
	struct scene *scene;
	uint64_t off;
	size_t size;
	bool is_done; /* under the scene's lock */
};

static void note(void *arg, int result, uint8_t *data, const struct error *err)
{
	struct wanted *wanted = arg;
	struct scene *scene = wanted->scene;
	bool is_right = result == 0 && memcmp(data, scene->blob + wanted->off,
					      wanted->size) == 0;

	mutex_lock(&scene->lock);
	if (result < 0 && result != -ECANCELED)
		printf("# %s\n", err->text);
	scene->answered++;
	scene->failed += result < 0 && result != -ECANCELED;
	scene->canceled += result == -ECANCELED;
	scene->wrong += result == 0 && !is_right;
	wanted->is_done = true;
	condition_broadcast(&scene->changed);
	mutex_unlock(&scene->lock);
	free(data);
}

static void wait_for(struct wanted *wanted)
{
	struct scene *scene = wanted->scene;

	mutex_lock(&scene->lock);
	while (!wanted->is_done)
		condition_wait(&scene->changed, &scene->lock);
	mutex_unlock(&scene->lock);
}

static void *read_ranges(void *arg)
{
	struct scene *scene = arg;
	unsigned seed = (unsigned)(uintptr_t)&seed;

	for (unsigned i = 0; i < FETCHES; i++) {
		struct wanted wanted = { .scene = scene };

		wanted.off = (uint64_t)rand_r(&seed) % (BLOB_SIZE - 65536);
		wanted.size = 1 + (size_t)rand_r(&seed) % 65536;
		range_source_fetch(scene->source, wanted.off, wanted.size,
				   clock_ms() + 60000, note, &wanted);
		wait_for(&wanted);
	}
	return NULL;
}

static void *destroy_sources(void *arg)
{
	struct scene *scene = arg;

	for (unsigned i = 0; i < DESTROYS; i++) {
		struct wanted wanted[RANGES_PER_DESTROY] = { 0 };
		struct range_source *source = NULL;

		if (registry_open_blob(scene->registry, &scene->digest,
				       BLOB_SIZE, &source, NULL) < 0)
			abort();
		for (unsigned j = 0; j < RANGES_PER_DESTROY; j++) {
			wanted[j].scene = scene;
			wanted[j].off = j * 1000;
			wanted[j].size = 1000;
			range_source_fetch(source, wanted[j].off,
					   wanted[j].size, clock_ms() + 60000,
					   note, &wanted[j]);
		}
		usleep(i % 10 * 500);
		range_source_destroy(source);
		for (unsigned j = 0; j < RANGES_PER_DESTROY; j++)
			wait_for(&wanted[j]); /* must be done already */
	}
	return NULL;
}

/*
 * Rare enough that no request can use up what it is granted of malformed
 * answers, refusals and dead URLs, however slow the machine.
 */
static void *make_trouble(void *arg)
{
	static const enum fake_fault faults[] = { FAKE_FAULT_RESET,
						  FAKE_FAULT_SHORT_BODY,
						  FAKE_FAULT_STATUS };
	struct scene *scene = arg;

	for (unsigned i = 0; i < 60; i++) {
		fake_registry_fail(scene->fake, FAKE_PLACE_STORAGE,
				   i == 7 || i == 31 ? FAKE_FAULT_WRONG_RANGE
						     : faults[i % 3],
				   1, 503, NULL);
		if (i % 15 == 0)
			fake_registry_expire_tokens(scene->fake);
		if (i % 40 == 2)
			fake_registry_expire_urls(scene->fake, 403);
		usleep(20000);
	}
	return NULL;
}

static void run_threads(struct scene *scene)
{
	pthread_t threads[READERS + 2];

	for (unsigned i = 0; i < READERS; i++)
		thread_start(&threads[i], "reader", read_ranges, scene);
	thread_start(&threads[READERS], "destroyer", destroy_sources, scene);
	thread_start(&threads[READERS + 1], "trouble", make_trouble, scene);
	for (unsigned i = 0; i < READERS + 2; i++)
		pthread_join(threads[i], NULL);
}

static unsigned check(unsigned number, bool is_good, const char *what)
{
	printf("%s %u - %s\n", is_good ? "ok" : "not ok", number, what);
	return !is_good;
}

static unsigned report(struct scene *scene)
{
	const unsigned expected =
		READERS * FETCHES + DESTROYS * RANGES_PER_DESTROY;
	unsigned bad = 0;

	mutex_lock(&scene->lock);
	printf("# %u answers, %u of them canceled\n", scene->answered,
	       scene->canceled);
	bad += check(1, scene->answered == expected,
		     "every fetch is answered once");
	bad += check(2, scene->wrong == 0, "every byte is right");
	bad += check(3, scene->failed == 0,
		     "nothing fails but what is canceled");
	mutex_unlock(&scene->lock);
	return bad;
}

int main(void)
{
	const struct fake_registry_options fake_options = {
		.auth = FAKE_AUTH_BEARER,
		.expires_in = 300,
		.has_storage = true,
	};
	struct registry_options options = { .repository = "test/image" };
	struct http_client *client = NULL;
	struct scene scene = { 0 };
	unsigned bad;

	setenv("HOME", "/nonexistent", 1);
	setenv("REGISTRY_AUTH_FILE", "/nonexistent", 1);
	mutex_init(&scene.lock);
	condition_init(&scene.changed);
	scene.blob = malloc(BLOB_SIZE);
	for (size_t i = 0; scene.blob && i < BLOB_SIZE; i++)
		scene.blob[i] = (uint8_t)(i * 7 + (i >> 9));
	scene.fake = fake_registry_start(&fake_options);
	if (!scene.blob || !scene.fake ||
	    http_client_create(NULL, &client, NULL) < 0)
		return 1;
	fake_registry_add_blob(scene.fake, scene.blob, BLOB_SIZE,
			       &scene.digest);
	options.host = fake_registry_host(scene.fake);
	if (registry_create(client, &options, &scene.registry, NULL) < 0 ||
	    registry_open_blob(scene.registry, &scene.digest, BLOB_SIZE,
			       &scene.source, NULL) < 0)
		return 1;
	printf("1..3\n");
	run_threads(&scene);
	bad = report(&scene);
	range_source_destroy(scene.source);
	registry_destroy(scene.registry);
	http_client_destroy(client);
	fake_registry_stop(scene.fake);
	condition_fini(&scene.changed);
	mutex_fini(&scene.lock);
	free(scene.blob);
	return bad ? 1 : 0;
}
