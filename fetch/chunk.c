/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk.h"

#include "common/io.h"
#include "common/le.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct chunk *create(uint32_t number, uint32_t size)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));

	if (!chunk)
		return NULL;
	chunk->size = size;
	chunk->refs = 1;
	chunk->number = number;
	chunk->fd = -1;
	return chunk;
}

struct chunk *chunk_create(uint32_t number, uint8_t *data, uint32_t size)
{
	struct chunk *chunk = create(number, size);

	assert(data);
	if (chunk)
		chunk->data = data;
	return chunk;
}

struct chunk *chunk_create_in_file(uint32_t number, int fd, uint32_t file_off,
				   uint32_t size)
{
	struct chunk *chunk = create(number, size);

	assert(fd >= 0);
	if (chunk) {
		chunk->fd = fd;
		chunk->file_off = file_off;
	}
	return chunk;
}

struct chunk *chunk_ref(struct chunk *chunk)
{
	/* Relaxed: who takes a reference has one already. */
	uint32_t before = __atomic_fetch_add(&chunk->refs, 1, __ATOMIC_RELAXED);

	assert(before > 0 && before < UINT32_MAX);
	(void)before;
	return chunk;
}

void chunk_unref(struct chunk *chunk)
{
	uint32_t before;

	if (!chunk)
		return;
	/* Release what was done with the bytes; the last one acquires it. */
	before = __atomic_fetch_sub(&chunk->refs, 1, __ATOMIC_ACQ_REL);
	assert(before > 0);
	if (before > 1)
		return;
	if (chunk->fd >= 0)
		close(chunk->fd);
	free((void *)chunk->data);
	free(chunk);
}

int chunk_read(const struct chunk *chunk, uint64_t off, size_t size,
	       void *ret_data)
{
	if (!le_range_fits(off, size, chunk->size))
		return -EBADMSG;
	if (chunk->data)
		memcpy(ret_data, chunk->data + off, size);
	else if (io_pread_full(chunk->fd, chunk->file_off + off, size,
			       ret_data) < 0)
		return -EIO;
	return 0;
}
