/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding goes over the bytes twice: once to count and check, once to fill
 * what was allocated for just that many.
 */
#include "index/hint_table.h"

#include "common/buffer.h"
#include "common/error.h"
#include "index/index_format.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum { NUMBER_SIZE_MAX = 5 }; /* 32 bits, 7 a byte */

void hint_table_fini(struct hint_table *table)
{
	free(table->records);
	free(table->targets);
	free(table->extents);
	*table = (struct hint_table){ 0 };
}

const struct hint_record *hint_table_find(const struct hint_table *table,
					  uint32_t inode)
{
	uint32_t low = 0;
	uint32_t high = table->record_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (table->records[middle].inode == inode)
			return &table->records[middle];
		if (table->records[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* ---- encoding ---- */

static int put(struct buffer *ret, uint32_t number)
{
	uint8_t bytes[NUMBER_SIZE_MAX];
	size_t size = 0;

	for (; number >= 0x80; number >>= 7)
		bytes[size++] = (uint8_t)(number | 0x80);
	bytes[size++] = (uint8_t)number;
	return buffer_append(ret, bytes, size);
}

/* A difference, small ones of either sign as small numbers. */
static uint32_t fold(uint32_t from, uint32_t to)
{
	uint32_t difference = to - from;

	return difference << 1 ^ (0 - (difference >> 31));
}

static uint32_t unfold(uint32_t from, uint32_t folded)
{
	return from + (folded >> 1 ^ (0 - (folded & 1)));
}

static int encode_record(const struct hint_table *table,
			 const struct hint_record *record, uint32_t before,
			 struct buffer *ret)
{
	uint32_t last = record->inode;
	uint32_t end = 0;
	int r = put(ret, record->inode - before);

	if (r == 0)
		r = put(ret, record->extent_count);
	for (uint32_t i = 0; i < record->extent_count && r == 0; i++) {
		const struct hint_extent *extent =
			&table->extents[record->first_extent + i];

		assert(extent->first >= end && extent->count > 0);
		r = put(ret, extent->first - end);
		if (r == 0)
			r = put(ret, extent->count);
		end = extent->first + extent->count;
	}
	if (r == 0)
		r = put(ret, record->target_count);
	for (uint32_t i = 0; i < record->target_count && r == 0; i++) {
		uint32_t target = table->targets[record->first_target + i];

		r = put(ret, fold(last, target));
		last = target;
	}
	return r;
}

int hint_table_encode(const struct hint_table *table, struct buffer *ret)
{
	uint32_t before = 0;
	int r = 0;

	for (uint32_t i = 0; i < table->record_count && r == 0; i++) {
		const struct hint_record *record = &table->records[i];

		assert(record->inode > before);
		r = encode_record(table, record, before, ret);
		before = record->inode;
	}
	return r;
}

/* ---- decoding ---- */

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool is_bad;
};

static uint32_t take(struct cursor *cursor)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < NUMBER_SIZE_MAX && cursor->at < cursor->end;
	     i++) {
		uint8_t byte = *cursor->at++;

		number |= (uint64_t)(byte & 0x7f) << 7 * i;
		if (byte & 0x80)
			continue;
		if (number > UINT32_MAX || (byte == 0 && i > 0))
			break; /* too large, or longer than need be */
		return (uint32_t)number;
	}
	cursor->is_bad = true;
	return 0;
}

/* One record; into @table's arrays when it has any. */
static void take_record(struct cursor *cursor, uint32_t before,
			uint32_t inode_count, struct hint_table *table)
{
	uint32_t delta = take(cursor);
	struct hint_record record = {
		.inode = before + delta,
		.first_target = table->target_count,
		.first_extent = table->extent_count,
	};
	uint32_t last = record.inode;
	uint32_t end = 0;

	if (delta == 0 || delta > inode_count - before)
		cursor->is_bad = true;
	record.extent_count = take(cursor);
	if (record.extent_count > HINT_TABLE_EXTENT_COUNT_MAX)
		cursor->is_bad = true;
	for (uint32_t i = 0; i < record.extent_count && !cursor->is_bad; i++) {
		uint32_t gap = take(cursor);
		uint32_t count = take(cursor);

		if (count == 0 || gap > UINT32_MAX - end ||
		    count > UINT32_MAX - end - gap)
			cursor->is_bad = true;
		if (table->extents)
			table->extents[table->extent_count] =
				(struct hint_extent){ end + gap, count };
		table->extent_count++;
		end += gap + count;
	}
	record.target_count = take(cursor);
	if (record.target_count > HINT_TABLE_TARGET_COUNT_MAX)
		cursor->is_bad = true;
	for (uint32_t i = 0; i < record.target_count && !cursor->is_bad; i++) {
		last = unfold(last, take(cursor));
		if (last == 0 || last > inode_count)
			cursor->is_bad = true;
		if (table->targets)
			table->targets[table->target_count] = last;
		table->target_count++;
	}
	if (table->records)
		table->records[table->record_count] = record;
	table->record_count++;
}

static bool take_all(const uint8_t *data, size_t size, uint32_t inode_count,
		     struct hint_table *table)
{
	struct cursor cursor = { .at = data, .end = data + size };
	uint32_t inode = 0;

	while (cursor.at < cursor.end && !cursor.is_bad) {
		const uint8_t *start = cursor.at;
		uint32_t delta = take(&cursor);

		cursor.at = start;
		take_record(&cursor, inode, inode_count, table);
		inode += delta;
	}
	return !cursor.is_bad;
}

int hint_table_decode(const uint8_t *data, size_t size, uint32_t inode_count,
		      struct hint_table *ret, struct error *err)
{
	struct hint_table counted = { 0 };
	struct hint_table table = { 0 };

	if (size > INDEX_FORMAT_HINT_SIZE_MAX)
		return error_set(err, -EFBIG,
				 "index section HINT is larger than 8 MiB");
	if (size == 0) {
		*ret = table;
		return 0;
	}
	if (!take_all(data, size, inode_count, &counted))
		return error_set(err, -EBADMSG,
				 "index section HINT is malformed; make the "
				 "index anew with `lazyrun index`");
	table.records = calloc(counted.record_count + (size_t)1,
			       sizeof(*table.records));
	table.targets = calloc(counted.target_count + (size_t)1,
			       sizeof(*table.targets));
	table.extents = calloc(counted.extent_count + (size_t)1,
			       sizeof(*table.extents));
	if (!table.records || !table.targets || !table.extents) {
		hint_table_fini(&table);
		return error_set(err, -ENOMEM, "out of memory");
	}
	take_all(data, size, inode_count, &table);
	assert(table.record_count == counted.record_count &&
	       table.target_count == counted.target_count &&
	       table.extent_count == counted.extent_count);
	*ret = table;
	return 0;
}
