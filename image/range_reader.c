/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller waits for every piece, whatever became of the others: each
 * `done` writes into its memory.
 */
#include "image/range_reader.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/thread.h"
#include "fetch/range_source.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	struct mutex lock;
	struct condition done;
	/* -- protected by lock -- */
	size_t left GUARDED; /* pieces that are under way */
	int result GUARDED;
	struct error err GUARDED;
};

struct piece {
	struct reading *reading;
	uint64_t off;
	size_t size;
	uint8_t *to;
};

static void piece_done(void *arg, int result, uint8_t *data,
		       const struct error *err)
{
	struct piece *piece = arg;
	struct reading *reading = piece->reading;

	if (result == 0)
		memcpy(piece->to, data, piece->size);
	free(data);
	mutex_lock(&reading->lock);
	if (result < 0 && reading->result == 0) {
		reading->result = result;
		reading->err = *err;
	}
	assert(reading->left > 0);
	if (--reading->left == 0)
		condition_signal(&reading->done);
	mutex_unlock(&reading->lock);
}

static size_t piece_size(size_t size)
{
	return size <= RANGE_READER_SMALL_SIZE ? RANGE_READER_SMALL_PIECE_SIZE
					       : RANGE_READER_PIECE_SIZE;
}

static size_t piece_count(size_t size)
{
	return (size + piece_size(size) - 1) / piece_size(size);
}

static size_t cut(const struct range_reader_range *range,
		  struct reading *reading, struct piece *pieces)
{
	size_t size = piece_size(range->size);
	size_t count = 0;

	for (size_t at = 0; at < range->size; at += size) {
		size_t left = range->size - at;

		pieces[count++] = (struct piece){
			.reading = reading,
			.off = range->off + at,
			.size = left < size ? left : size,
			.to = range->data + at,
		};
	}
	return count;
}

static int wait_for(struct reading *reading, struct error *err)
{
	int r;

	mutex_lock(&reading->lock);
	while (reading->left > 0)
		condition_wait(&reading->done, &reading->lock);
	r = reading->result;
	if (r < 0 && err)
		*err = reading->err;
	mutex_unlock(&reading->lock);
	return r;
}

int range_reader_fetch(struct range_source *source,
		       const struct range_reader_range *ranges, size_t count,
		       int64_t timeout_ms, struct error *err)
{
	struct reading reading = { 0 };
	autofree struct piece *pieces = NULL;
	int64_t deadline_ms = clock_ms() + timeout_ms;
	size_t total = 0;
	size_t made = 0;
	int r;

	assert(count <= RANGE_READER_RANGES_MAX);
	for (size_t i = 0; i < count; i++) {
		assert(ranges[i].size > 0 &&
		       ranges[i].size <= RANGE_READER_SIZE_MAX);
		total += piece_count(ranges[i].size);
	}
	pieces = calloc(total + 1, sizeof(*pieces));
	if (!pieces)
		return error_set(err, -ENOMEM, "out of memory");
	mutex_init(&reading.lock);
	condition_init(&reading.done);
	for (size_t i = 0; i < count; i++)
		made += cut(&ranges[i], &reading, pieces + made);
	assert(made == total);
	mutex_lock(&reading.lock);
	reading.left = total;
	mutex_unlock(&reading.lock);
	for (size_t i = 0; i < total; i++)
		range_source_fetch(source, pieces[i].off, pieces[i].size,
				   deadline_ms, piece_done, &pieces[i]);
	r = wait_for(&reading, err);
	condition_fini(&reading.done);
	mutex_fini(&reading.lock);
	return r;
}
