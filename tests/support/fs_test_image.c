/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fs_test_image.h"

#include "common/error.h"
#include "common/thread.h"
#include "fetch/chunk_loader.h"
#include "fetch/range_source.h"
#include "index/index_file.h"
#include "index/index_writer.h"
#include "index/tree.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HELD_MAX = 1024 };

struct held_fetch {
	uint64_t off;
	size_t size;
	range_done_fn *done;
	void *arg;
};

struct held_source {
	struct range_source source;
	const uint8_t *data;
	struct mutex lock;
	struct condition arrived;
	bool is_holding GUARDED;
	unsigned count GUARDED;
	struct held_fetch held[HELD_MAX] GUARDED;
};

static void answer(struct held_source *source, const struct held_fetch *fetch)
{
	uint8_t *data = malloc(fetch->size);

	assert(data);
	memcpy(data, source->data + fetch->off, fetch->size);
	fetch->done(fetch->arg, 0, data, NULL);
}

static void held_source_fetch(struct range_source *base, uint64_t off,
			      size_t size, int64_t deadline_ms,
			      range_done_fn *done, void *arg)
{
	struct held_source *source = (struct held_source *)base;
	const struct held_fetch fetch = { off, size, done, arg };
	bool is_held;

	(void)deadline_ms;
	mutex_lock(&source->lock);
	is_held = source->is_holding;
	if (is_held) {
		assert(source->count < HELD_MAX);
		source->held[source->count++] = fetch;
		condition_broadcast(&source->arrived);
	}
	mutex_unlock(&source->lock);
	if (!is_held)
		answer(source, &fetch);
}

static bool take_held(struct held_source *source, struct held_fetch *ret)
{
	bool is_taken;

	mutex_lock(&source->lock);
	is_taken = source->count > 0;
	if (is_taken)
		*ret = source->held[--source->count];
	mutex_unlock(&source->lock);
	return is_taken;
}

static void held_source_destroy(struct range_source *base)
{
	struct held_source *source = (struct held_source *)base;
	struct held_fetch fetch;

	while (take_held(source, &fetch))
		fetch.done(fetch.arg, -ECANCELED, NULL, NULL);
	condition_fini(&source->arrived);
	mutex_fini(&source->lock);
	free(source);
}

static const struct range_source_ops held_source_ops = {
	.fetch = held_source_fetch,
	.destroy = held_source_destroy,
};

static struct range_source *held_source_create(const uint8_t *data,
					       uint64_t size)
{
	struct held_source *source = calloc(1, sizeof(*source));

	assert(source);
	source->source.ops = &held_source_ops;
	source->source.size = size;
	source->data = data;
	mutex_init(&source->lock);
	condition_init(&source->arrived);
	return &source->source;
}

struct fs_test_image *fs_test_image_create(void)
{
	struct fs_test_image *image = calloc(1, sizeof(*image));

	assert(image);
	image->fd = memfd_create("index", MFD_CLOEXEC);
	image->tree = tree_create();
	assert(image->fd >= 0 && image->tree);
	tree_begin_layer(image->tree, 0);
	return image;
}

void fs_test_image_add(struct fs_test_image *image,
		       const struct tree_entry *entry)
{
	struct error err = { 0 };
	int r = tree_add(image->tree, entry, &err);

	if (r < 0)
		fprintf(stderr, "%s: %s\n", entry->path, err.text);
	assert(r == 0);
}

uint64_t fs_test_image_add_bytes(struct fs_test_image *image, const void *data,
				 size_t size)
{
	uint64_t off = image->layer_size;

	if (off + size >= image->layer_capacity) {
		image->layer_capacity = 2 * (off + size) + 4096;
		image->layer = realloc(image->layer, image->layer_capacity);
		assert(image->layer);
	}
	memcpy(image->layer + off, data, size);
	image->layer_size += size;
	return off;
}

void fs_test_image_add_file(struct fs_test_image *image, const char *path,
			    const void *data, size_t size)
{
	const struct tree_extent extent = {
		.size = size,
		.raw_off = fs_test_image_add_bytes(image, data, size),
	};
	const struct tree_entry entry = {
		.path = path,
		.mode = S_IFREG | 0644,
		.mtime_s = 1700000000,
		.size = size,
		.extents = &extent,
		.extent_count = size > 0,
	};

	fs_test_image_add(image, &entry);
}

static struct index_writer_chunk *cut(const struct fs_test_image *image,
				      uint32_t *ret_count)
{
	uint64_t size = image->cache ? FS_TEST_IMAGE_CACHED_CHUNK_SIZE
				     : FS_TEST_IMAGE_CHUNK_SIZE;
	uint32_t count = (uint32_t)((image->layer_size + size - 1) / size);
	struct index_writer_chunk *chunks = calloc(count + 1, sizeof(*chunks));

	assert(chunks);
	for (uint32_t i = 0; i < count; i++) {
		struct chunk_ref *ref = &chunks[i].ref;

		chunks[i].raw_off = i * size;
		ref->stored_off = i * size;
		ref->codec = CODEC_RAW;
		if (size > image->layer_size - i * size)
			size = image->layer_size - i * size;
		ref->stored_size = (uint32_t)size;
		ref->raw_size = (uint32_t)size;
		digest_compute(image->layer + ref->stored_off, size,
			       &ref->digest);
	}
	*ret_count = count;
	return chunks;
}

void fs_test_image_open(struct fs_test_image *image)
{
	static const char text[] = "{}";
	uint32_t count;
	struct index_writer_chunk *chunks = cut(image, &count);
	struct index_writer_blob blob = {
		.size = image->layer_size,
		.raw_size = image->layer_size,
		.chunks = chunks,
		.chunk_count = count,
	};
	struct index_writer_image what = {
		.manifest = text,
		.manifest_size = 2,
		.config = text,
		.config_size = 2,
		.blobs = &blob,
		.blob_count = 1,
		.tree = image->tree,
	};
	const struct chunk_loader_options options = {
		/* so little that most is read from the cache again */
		.memory_size =
			image->cache ? 3 * FS_TEST_IMAGE_CACHED_CHUNK_SIZE : 0,
	};
	struct error err = { 0 };
	int r;

	digest_compute(text, 2, &image->digest);
	what.manifest_digest = image->digest;
	digest_compute(image->layer, image->layer_size, &blob.digest);
	blob.diff_id = blob.digest;
	r = index_writer_write(image->fd, &what, false, &err);
	if (r == 0)
		r = index_file_open(image->fd, &image->index, &err);
	if (r == 0)
		r = index_file_check(image->index, &err);
	free(chunks);
	image->source = held_source_create(image->layer, image->layer_size);
	if (r == 0)
		r = chunk_loader_create(index_file_chunks(image->index),
					&image->source, 1, image->cache,
					&options, &image->loader, &err);
	if (r < 0)
		fprintf(stderr, "fs_test_image: %s\n", err.text);
	assert(r == 0);
}

void fs_test_image_hold(struct fs_test_image *image)
{
	struct held_source *source = (struct held_source *)image->source;

	mutex_lock(&source->lock);
	source->is_holding = true;
	mutex_unlock(&source->lock);
}

void fs_test_image_release(struct fs_test_image *image)
{
	struct held_source *source = (struct held_source *)image->source;
	struct held_fetch fetch;

	mutex_lock(&source->lock);
	source->is_holding = false;
	mutex_unlock(&source->lock);
	while (take_held(source, &fetch))
		answer(source, &fetch);
}

void fs_test_image_wait_held(struct fs_test_image *image, unsigned count)
{
	struct held_source *source = (struct held_source *)image->source;

	mutex_lock(&source->lock);
	while (source->count < count)
		condition_wait(&source->arrived, &source->lock);
	mutex_unlock(&source->lock);
}

void fs_test_image_spoil(struct fs_test_image *image, uint64_t off)
{
	assert(off < image->layer_size);
	image->layer[off] ^= 1;
}

void fs_test_image_fill(void *data, size_t size, uint32_t seed)
{
	uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(seed >> 24);
	}
}

void fs_test_image_destroy(struct fs_test_image *image)
{
	if (!image)
		return;
	if (image->source)
		fs_test_image_release(image);
	chunk_loader_destroy(image->loader);
	if (image->source)
		range_source_destroy(image->source);
	index_file_close(image->index);
	tree_destroy(image->tree);
	free(image->layer);
	close(image->fd);
	free(image);
}
