/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a file's bytes lie: extents place them in the uncompressed layers,
 * the chunk table says which chunk holds a place.  Both by binary search; a
 * file that is one run, as in nearly every tar, needs no extent.
 */
#include "index/index_file.h"

#include "common/io.h"
#include "common/le.h"
#include "index/index_file_impl.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* The last of records [first, first + count) of a table whose leading 64 bits
 * are not above @off; @count when there is none. */
static uint32_t find_last(const struct index_file *index,
			  enum index_format_type type, uint32_t first,
			  uint32_t count, uint64_t off)
{
	uint32_t low = 0;
	uint32_t high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const void *record =
			index_file_record(index, type, first + middle);

		assert(record);
		if (le_load64(record) <= off)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : count;
}

/* A run of a file's bytes that lie together; a hole has no blob. */
struct run {
	uint64_t size;
	bool is_hole;
	uint32_t blob;
	uint64_t raw_off;
};

static void set_place(struct run *run, uint64_t place, uint64_t skip)
{
	run->blob = index_format_place_blob(place);
	run->raw_off = index_format_place_raw_off(place) + skip;
}

/* What follows @off in a file with extents; @off is before the file's end. */
static int find_run_in_extents(const struct index_file *index, uint64_t data,
			       uint64_t file_size, uint64_t off,
			       struct run *ret)
{
	const struct index_table *table = &index->tables[INDEX_FORMAT_EXTENT];
	uint32_t first = (uint32_t)(data >> 32);
	uint32_t count = (uint32_t)data;
	const struct index_format_extent *extent;
	uint64_t next_off = file_size;
	uint32_t i;

	if (!le_range_fits(first, count, table->count))
		return -EBADMSG;
	i = find_last(index, INDEX_FORMAT_EXTENT, first, count, off);
	if (i < count) {
		uint64_t start;
		uint64_t size;

		extent = index_file_record(index, INDEX_FORMAT_EXTENT,
					   first + i);
		assert(extent);
		start = le_load64(extent->file_off);
		size = le_load64(extent->size);
		if (start > off || size > file_size || start > file_size - size)
			return -EBADMSG;
		if (off - start < size) {
			ret->size = size - (off - start);
			ret->is_hole = false;
			set_place(ret, le_load64(extent->place), off - start);
			return 0;
		}
	}
	i = i < count ? i + 1 : 0;
	if (i < count) {
		extent = index_file_record(index, INDEX_FORMAT_EXTENT,
					   first + i);
		assert(extent);
		next_off = le_load64(extent->file_off);
	}
	if (next_off <= off || next_off > file_size)
		return -EBADMSG;
	ret->size = next_off - off;
	ret->is_hole = true;
	return 0;
}

static int find_chunk(const struct index_file *index, const struct run *run,
		      struct index_piece *ret)
{
	const struct index_format_chunk *record;
	const struct index_blob *blob;
	uint64_t skip;
	uint64_t rest;
	uint32_t i;

	if (run->blob >= index->blob_count)
		return -EBADMSG;
	blob = &index->blobs[run->blob].blob;
	i = find_last(index, INDEX_FORMAT_CHUNK, blob->first_chunk,
		      blob->chunk_count, run->raw_off);
	if (i >= blob->chunk_count)
		return -EBADMSG;
	record = index_file_record(index, INDEX_FORMAT_CHUNK,
				   blob->first_chunk + i);
	assert(record);
	skip = run->raw_off - le_load64(record->raw_off);
	rest = le_load32(record->raw_size);
	if (rest > CHUNK_RAW_SIZE_MAX || skip >= rest)
		return -EBADMSG;
	rest -= skip;
	ret->chunk = blob->first_chunk + i;
	ret->chunk_off = (uint32_t)skip;
	ret->size = rest < run->size ? rest : run->size;
	return 0;
}

int index_file_get_piece(const struct index_file *index, uint32_t number,
			 uint64_t off, struct index_piece *ret)
{
	const struct index_format_inode *record =
		index_file_inode_record(index, number);
	struct index_piece piece = { .off = off, .chunk = INDEX_NO_CHUNK };
	struct run run = { 0 };
	uint64_t size;
	uint64_t data;
	int r = 0;

	if (!record || !S_ISREG(le_load16(record->mode)))
		return -EINVAL;
	size = le_load64(record->size);
	data = le_load64(record->data);
	if (off >= size)
		return -ENODATA;
	if (le_load16(record->flags) & INDEX_FORMAT_INODE_EXTENTS) {
		r = find_run_in_extents(index, data, size, off, &run);
	} else {
		run.size = size - off;
		set_place(&run, data, off);
	}
	if (r == 0 && !run.is_hole)
		r = find_chunk(index, &run, &piece);
	else
		piece.size = run.size;
	if (r == 0)
		*ret = piece;
	return r;
}

int index_file_chunk_raw_off(const struct index_file *index, uint32_t chunk,
			     uint64_t *ret)
{
	const struct index_format_chunk *record =
		index_file_record(index, INDEX_FORMAT_CHUNK, chunk);

	if (!record)
		return -EINVAL;
	*ret = le_load64(record->raw_off);
	return 0;
}

/* ---- the chunk table ---- */

static const struct index_file *from_chunks(const struct chunk_table *chunks)
{
	return (const struct index_file *)chunks; /* its first member */
}

/* The blob a chunk belongs to; blobs without chunks are never found. */
static uint32_t find_blob(const struct index_file *index, uint32_t chunk)
{
	uint32_t low = 0;
	uint32_t high = index->blob_count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (index->blobs[middle].blob.first_chunk <= chunk)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static int get_chunk(const struct chunk_table *chunks, uint32_t number,
		     struct chunk_ref *ret)
{
	const struct index_file *index = from_chunks(chunks);
	const struct index_format_chunk *record =
		index_file_record(index, INDEX_FORMAT_CHUNK, number);
	const struct index_format_chunk_digest *digest =
		index_file_record(index, INDEX_FORMAT_CHUNK_DIGEST, number);
	uint32_t blob_number = find_blob(index, number);
	const struct index_file_blob *blob = &index->blobs[blob_number];
	uint32_t window_off;

	if (!record || !digest)
		return -EINVAL;
	*ret = (struct chunk_ref){
		.blob = blob_number,
		.codec = record->codec,
		.stored_off = le_load64(record->stored_off),
		.stored_size = le_load32(record->stored_size),
		.raw_size = le_load32(record->raw_size),
		.start_bit = record->bits & 15,
		.end_bit = record->bits >> 4,
		.window_size = le_load16(record->window_size),
	};
	window_off = le_load32(record->window_off);
	memcpy(ret->digest.bytes, digest->stored, DIGEST_SIZE);
	memcpy(ret->window_digest, digest->window, CHUNK_WINDOW_DIGEST_SIZE);
	if (!le_range_fits(ret->stored_off, ret->stored_size,
			   blob->blob.size) ||
	    !le_range_fits(window_off, ret->window_size, blob->window_size))
		return -EBADMSG;
	if (ret->window_size)
		ret->window_off = blob->window_off + window_off;
	return 0;
}

static int load_window(const struct chunk_table *chunks,
		       const struct chunk_ref *ref, void *ret_data)
{
	const struct index_file *index = from_chunks(chunks);

	if (!le_range_fits(ref->window_off, ref->window_size,
			   index->figures.window_size))
		return -EBADMSG;
	if (io_pread_full(index->fd, index->window_off + ref->window_off,
			  ref->window_size, ret_data) < 0)
		return -EIO;
	return 0;
}

const struct chunk_table_ops index_file_chunk_ops = {
	.get = get_chunk,
	.load_window = load_window,
};

bool index_file_has_digests(const struct index_file *index)
{
	const struct index_table *table =
		&index->tables[INDEX_FORMAT_CHUNK_DIGEST];

	for (uint32_t i = 0; i < table->count; i++) {
		const struct index_format_chunk_digest *record =
			index_file_record(index, INDEX_FORMAT_CHUNK_DIGEST, i);
		struct digest digest;

		assert(record);
		memcpy(digest.bytes, record->stored, DIGEST_SIZE);
		if (digest_is_zero(&digest))
			return false;
	}
	return true;
}
