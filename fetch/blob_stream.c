/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_stream: a ring of ranges.  The reader's thread asks for ranges in
 * order, at most one per slot, and hands out the slot at the head; the
 * source's thread fills slots in any order.
 *
 * Threads: `lock` protects what a fetch leaves in its slot; everything else is
 * the reader's.  The lock is not held while range_source_fetch() runs, which
 * may call back at once.
 *
 * A fetch cannot be called off, so the window is reference counted: one
 * reference for the reader, one for each range in flight.  Destroying the
 * stream never waits.
 */
#include "fetch/blob_stream.h"

#include "common/byte_stream.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/thread.h"
#include "fetch/range_source.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	REQUEST_SIZE_DEFAULT = 2 << 20,
	REQUEST_COUNT_DEFAULT = 4,
	REQUEST_COUNT_MAX = 64,
	TIMEOUT_MS_DEFAULT = 120000,
	/* Past its deadline a source still has this long to say so. */
	GRACE_MS = 15000,
};

struct window;

struct slot {
	struct window *window;
	size_t size;	     /* bytes asked for */
	int64_t deadline_ms; /* given to the source */
	/* -- protected by window->lock until is_done is seen -- */
	bool is_done;
	int result;
	uint8_t *data; /* owned; size bytes when result is 0 */
	struct error err;
};

struct window {
	struct mutex lock;
	struct condition filled;
	/* -- protected by lock -- */
	unsigned refs GUARDED;
	/* -- the reader's -- */
	unsigned slot_count;
	struct slot slots[];
};

struct blob_stream {
	struct byte_stream stream;
	struct range_source *source; /* borrowed */
	struct window *window;
	size_t request_size;
	int64_t timeout_ms;
	uint64_t ask_off;  /* next byte to ask for */
	uint64_t read_off; /* next byte to hand out */
	uint64_t asked;	   /* ranges asked for; its slot is asked % count */
	uint64_t taken;	   /* ranges handed out whole */
	size_t slot_off;   /* bytes of the head slot handed out */
};

static void window_unref(struct window *window)
{
	unsigned refs;

	mutex_lock(&window->lock);
	assert(window->refs > 0);
	refs = --window->refs;
	mutex_unlock(&window->lock);
	if (refs > 0)
		return;
	for (unsigned i = 0; i < window->slot_count; i++)
		free(window->slots[i].data);
	condition_fini(&window->filled);
	mutex_fini(&window->lock);
	free(window);
}

static void fill_slot(void *arg, int result, uint8_t *data,
		      const struct error *err)
{
	struct slot *slot = arg;
	struct window *window = slot->window;

	mutex_lock(&window->lock);
	assert(!slot->is_done);
	slot->is_done = true;
	slot->result = result;
	slot->data = result == 0 ? data : NULL;
	if (result < 0)
		slot->err = *err;
	condition_signal(&window->filled);
	mutex_unlock(&window->lock);
	window_unref(window);
}

static void ask(struct blob_stream *stream)
{
	struct window *window = stream->window;
	struct slot *slot = &window->slots[stream->asked % window->slot_count];
	uint64_t left = stream->source->size - stream->ask_off;
	uint64_t off = stream->ask_off;

	assert(!slot->data);
	slot->size = left < stream->request_size ? (size_t)left
						 : stream->request_size;
	slot->deadline_ms = clock_ms() + stream->timeout_ms;
	slot->is_done = false;
	stream->ask_off += slot->size;
	stream->asked++;
	mutex_lock(&window->lock);
	window->refs++;
	mutex_unlock(&window->lock);
	range_source_fetch(stream->source, off, slot->size, slot->deadline_ms,
			   fill_slot, slot);
}

static void fill_window(struct blob_stream *stream)
{
	while (stream->ask_off < stream->source->size &&
	       stream->asked - stream->taken < stream->window->slot_count)
		ask(stream);
}

static int wait_for_slot(struct blob_stream *stream, const struct slot *slot,
			 struct error *err)
{
	struct window *window = stream->window;
	int64_t until_ms = slot->deadline_ms + GRACE_MS;
	int result = -ETIMEDOUT;
	bool is_done;

	mutex_lock(&window->lock);
	while (!slot->is_done && clock_ms() < until_ms)
		condition_wait_until(&window->filled, &window->lock, until_ms);
	is_done = slot->is_done;
	if (is_done)
		result = slot->result;
	mutex_unlock(&window->lock);
	if (!is_done)
		return error_set(err, result,
				 "no answer for %zu bytes at %" PRIu64
				 " within %" PRId64 " ms",
				 slot->size, stream->read_off,
				 stream->timeout_ms);
	if (result < 0 && err)
		*err = slot->err;
	return result;
}

static ssize_t blob_stream_read(struct byte_stream *base, void *ret_data,
				size_t size, struct error *err)
{
	struct blob_stream *stream = (struct blob_stream *)base;
	struct window *window = stream->window;
	struct slot *slot = &window->slots[stream->taken % window->slot_count];
	size_t left;
	int r;

	assert(size > 0);
	if (stream->read_off == stream->source->size)
		return 0;
	fill_window(stream);
	r = wait_for_slot(stream, slot, err);
	if (r < 0)
		return r; /* the slot stays at the head: so does the failure */
	left = slot->size - stream->slot_off;
	if (size > left)
		size = left;
	memcpy(ret_data, slot->data + stream->slot_off, size);
	stream->slot_off += size;
	stream->read_off += size;
	if (size == left) {
		free(slot->data);
		slot->data = NULL;
		stream->slot_off = 0;
		stream->taken++;
		fill_window(stream);
	}
	return (ssize_t)size;
}

static void blob_stream_destroy(struct byte_stream *base)
{
	struct blob_stream *stream = (struct blob_stream *)base;

	window_unref(stream->window);
	free(stream);
}

static const struct byte_stream_ops blob_stream_ops = {
	.read = blob_stream_read,
	.destroy = blob_stream_destroy,
};

static struct window *window_create(unsigned slot_count)
{
	struct window *window;

	window = calloc(1, sizeof(*window) + slot_count * sizeof(struct slot));
	if (!window)
		return NULL;
	mutex_init(&window->lock);
	condition_init(&window->filled);
	mutex_lock(&window->lock);
	window->refs = 1;
	mutex_unlock(&window->lock);
	window->slot_count = slot_count;
	for (unsigned i = 0; i < slot_count; i++)
		window->slots[i].window = window;
	return window;
}

int blob_stream_create(struct range_source *source,
		       const struct blob_stream_options *options,
		       struct byte_stream **ret, struct error *err)
{
	const struct blob_stream_options defaults = { 0 };
	struct blob_stream *stream = calloc(1, sizeof(*stream));
	unsigned request_count;

	if (!options)
		options = &defaults;
	assert(options->request_size <= RANGE_SIZE_MAX);
	assert(options->request_count <= REQUEST_COUNT_MAX);
	request_count = options->request_count ? options->request_count
					       : REQUEST_COUNT_DEFAULT;
	if (stream)
		stream->window = window_create(request_count);
	if (!stream || !stream->window) {
		free(stream);
		return error_set(err, -ENOMEM, "out of memory for a stream");
	}
	stream->stream.ops = &blob_stream_ops;
	stream->source = source;
	stream->request_size = options->request_size ? options->request_size
						     : REQUEST_SIZE_DEFAULT;
	stream->timeout_ms =
		options->timeout_ms ? options->timeout_ms : TIMEOUT_MS_DEFAULT;
	*ret = &stream->stream;
	return 0;
}
