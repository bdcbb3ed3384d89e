/* SPDX-License-Identifier: Apache-2.0 */
#include "index/index_section.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "index/index_format.h"
#include "index/index_header.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

enum {
	/* Higher levels gain 5 % and cost ten times the time. */
	LEVEL = 9,
	/* Records turned at a time: their bytes stay in the first cache. */
	BLOCK_COUNT = 512,
};

/* Rows of @width bytes to columns, or back with @is_back: byte j of record i
 * is kept at j * count + i. */
static void transpose(const uint8_t *from, uint8_t *to, size_t count,
		      size_t width, bool is_back)
{
	for (size_t first = 0; first < count; first += BLOCK_COUNT) {
		size_t end = count - first < BLOCK_COUNT ? count
							 : first + BLOCK_COUNT;

		for (size_t j = 0; j < width; j++)
			for (size_t i = first; i < end; i++) {
				size_t row = i * width + j;
				size_t column = j * count + i;

				if (is_back)
					to[row] = from[column];
				else
					to[column] = from[row];
			}
	}
}

int index_section_pack(const void *raw, size_t size, uint32_t record_size,
		       struct buffer *stored, uint32_t *ret_flags)
{
	autofree uint8_t *columns = NULL;
	uint32_t flags = INDEX_FORMAT_SECTION_ZSTD;
	size_t bound = ZSTD_compressBound(size);
	int r;

	assert(record_size > 0 && size % record_size == 0);
	assert(stored->size == 0);
	if (size == 0) {
		*ret_flags = 0;
		return 0;
	}
	if (record_size > 1) {
		columns = malloc(size);
		if (!columns)
			return -ENOMEM;
		transpose(raw, columns, size / record_size, record_size, false);
		raw = columns;
		flags |= INDEX_FORMAT_SECTION_TRANSPOSED;
	}
	r = buffer_reserve(stored, bound);
	if (r < 0)
		return r;
	bound = ZSTD_compress(stored->data, bound, raw, size, LEVEL);
	if (ZSTD_isError(bound))
		return -ENOMEM;
	if (bound < size)
		stored->size = bound;
	*ret_flags = bound < size ? flags : 0;
	return 0;
}

int index_section_unpack(const struct index_section *section,
			 const void *stored, uint8_t **ret_raw)
{
	size_t size = section->raw_size;
	size_t width = section->record_size;
	autofree uint8_t *raw = NULL;
	autofree uint8_t *rows = NULL;
	size_t n;

	assert(section->flags & INDEX_FORMAT_SECTION_ZSTD);
	assert(size <= INDEX_FORMAT_SECTION_RAW_SIZE_MAX);
	raw = malloc(size + 1);
	if (!raw)
		return -ENOMEM;
	n = ZSTD_decompress(raw, size, stored, section->stored_size);
	if (ZSTD_isError(n) || n != size)
		return -EBADMSG;
	if (section->flags & INDEX_FORMAT_SECTION_TRANSPOSED) {
		rows = malloc(size + 1);
		if (!rows)
			return -ENOMEM;
		transpose(raw, rows, size / width, width, true);
		*ret_raw = STEAL_PTR(rows);
		return 0;
	}
	*ret_raw = STEAL_PTR(raw);
	return 0;
}
