/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/memory_table.h"

#include "common/le.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int memory_table_get(const struct chunk_table *table, uint32_t number,
			    struct chunk_ref *ret)
{
	const struct memory_table *memory = (const void *)table;

	*ret = memory->refs[number];
	return 0;
}

static int memory_table_load_window(const struct chunk_table *table,
				    const struct chunk_ref *ref, void *ret_data)
{
	const struct memory_table *memory = (const void *)table;

	if (!le_range_fits(ref->window_off, ref->window_size,
			   memory->windows_size))
		return -EIO;
	memcpy(ret_data, memory->windows + ref->window_off, ref->window_size);
	return 0;
}

static const struct chunk_table_ops memory_table_ops = {
	.get = memory_table_get,
	.load_window = memory_table_load_window,
};

struct memory_table *memory_table_create(uint32_t capacity)
{
	struct memory_table *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return NULL;
	memory->table.ops = &memory_table_ops;
	memory->capacity = capacity;
	memory->refs = calloc(capacity, sizeof(*memory->refs));
	if (!memory->refs) {
		free(memory);
		return NULL;
	}
	return memory;
}

void memory_table_destroy(struct memory_table *memory)
{
	if (!memory)
		return;
	free(memory->refs);
	free(memory);
}

void memory_table_add(struct memory_table *memory, const struct chunk_ref *ref)
{
	assert(memory->table.count < memory->capacity);
	memory->refs[memory->table.count++] = *ref;
}

void memory_table_cut(struct memory_table *memory, uint32_t blob,
		      const void *data, size_t size, uint32_t chunk_size)
{
	const uint8_t *bytes = data;

	for (size_t off = 0; off < size; off += chunk_size) {
		size_t left = size - off;
		struct chunk_ref ref = {
			.blob = blob,
			.codec = CODEC_RAW,
			.stored_off = off,
			.stored_size =
				left < chunk_size ? (uint32_t)left : chunk_size,
		};

		ref.raw_size = ref.stored_size;
		digest_compute(bytes + off, ref.stored_size, &ref.digest);
		memory_table_add(memory, &ref);
	}
}
