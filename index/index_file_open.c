/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mount needs of the file is mapped in one piece, so that all
 * processes that use an index share its pages.  Each section's checksum is
 * computed over the map; compressed ones are unpacked beside it.  Only what
 * every access relies on is checked here: the tables' sizes, the blobs, the
 * root.  The rest is checked when it is read.
 */
#include "index/index_file.h"

#include "common/error.h"
#include "common/hash.h"
#include "common/le.h"
#include "index/index_file_impl.h"
#include "index/index_section.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int map_sections(struct index_file *index,
			const struct index_header *header, struct error *err)
{
	const struct index_section *windows =
		index_header_find(header, INDEX_FORMAT_WINDOW);
	void *map;

	index->window_off = windows->off;
	index->map_size = windows->off;
	map = mmap(NULL, index->map_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE,
		   index->fd, 0);
	if (map == MAP_FAILED)
		return error_set_errno(err, errno == ENOMEM ? -ENOMEM : -EIO,
				       "cannot map the index");
	index->map = map;
	return 0;
}

static int load_section(struct index_file *index,
			const struct index_section *section, struct error *err)
{
	struct index_table *table = &index->tables[section->type];
	const uint8_t *stored = (const uint8_t *)index->map + section->off;
	int r = 0;

	if (hash_xxh3(stored, section->stored_size) != section->hash)
		r = -EBADMSG;
	else if (section->flags & INDEX_FORMAT_SECTION_ZSTD)
		r = index_section_unpack(section, stored, &table->owned);
	if (r == -EBADMSG)
		return error_set(err, r,
				 "index section %s is corrupt; make the index "
				 "anew with `lazyrun index`",
				 index_header_type_name(section->type));
	if (r < 0)
		return error_set_errno(err, r, "cannot unpack the index");
	table->data = table->owned ? table->owned : stored;
	table->size = section->raw_size;
	table->count = (uint32_t)(section->raw_size / section->record_size);
	return 0;
}

static int load_sections(struct index_file *index,
			 const struct index_header *header, struct error *err)
{
	for (uint32_t i = 0; i < header->section_count; i++) {
		const struct index_section *section = &header->sections[i];
		int r;

		if (section->type >= INDEX_FORMAT_TYPE_COUNT ||
		    section->type == INDEX_FORMAT_WINDOW)
			continue; /* of a later minor version, or windows */
		r = load_section(index, section, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void decode_blob(const struct index_format_blob *record,
			struct index_file_blob *ret)
{
	memcpy(ret->blob.digest.bytes, record->digest, DIGEST_SIZE);
	memcpy(ret->blob.diff_id.bytes, record->diff_id, DIGEST_SIZE);
	ret->blob.size = le_load64(record->size);
	ret->blob.raw_size = le_load64(record->raw_size);
	ret->blob.first_chunk = le_load32(record->first_chunk);
	ret->blob.chunk_count = le_load32(record->chunk_count);
	ret->window_off = le_load64(record->window_off);
	ret->window_size = le_load64(record->window_size);
}

/* Blobs share out all chunks and all windows, in order. */
static bool blob_follows(const struct index_file_blob *blob, uint64_t chunk,
			 uint64_t window_off, const struct index_figures *all)
{
	return blob->blob.first_chunk == chunk &&
	       blob->blob.chunk_count <= all->chunk_count - chunk &&
	       blob->blob.size <= INT64_MAX &&
	       blob->blob.raw_size <= INDEX_FORMAT_RAW_OFF_MAX &&
	       blob->window_off == window_off &&
	       blob->window_size <= all->window_size - window_off;
}

static int load_blobs(struct index_file *index, struct error *err)
{
	const struct index_format_blob *records =
		(const void *)index->tables[INDEX_FORMAT_BLOB].data;
	struct index_figures *figures = &index->figures;
	uint64_t window_off = 0;
	uint32_t chunk = 0;

	if (figures->blob_count > INDEX_FORMAT_BLOB_COUNT_MAX)
		return error_set(err, -EFBIG, "the index has over %d layers",
				 INDEX_FORMAT_BLOB_COUNT_MAX);
	index->blob_count = figures->blob_count;
	index->blobs = calloc(index->blob_count + 1u, sizeof(*index->blobs));
	if (!index->blobs)
		return error_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < index->blob_count; i++) {
		struct index_file_blob *blob = &index->blobs[i];

		decode_blob(&records[i], blob);
		if (!blob_follows(blob, chunk, window_off, figures))
			return error_set(err, -EBADMSG,
					 "index section BLOB is malformed");
		chunk += blob->blob.chunk_count;
		window_off += blob->window_size;
		figures->stored_size += blob->blob.size;
		figures->raw_size += blob->blob.raw_size;
	}
	if (chunk != figures->chunk_count || window_off != figures->window_size)
		return error_set(err, -EBADMSG,
				 "index section BLOB is incomplete");
	return 0;
}

static void count(struct index_file *index, const struct index_header *header)
{
	struct index_figures *figures = &index->figures;

	figures->file_size = header->file_size;
	figures->mount_size = index->window_off;
	figures->window_size = header->file_size - index->window_off;
	figures->inode_count = index->tables[INDEX_FORMAT_INODE].count;
	figures->chunk_count = index->tables[INDEX_FORMAT_CHUNK].count;
	figures->blob_count = index->tables[INDEX_FORMAT_BLOB].count;
	figures->is_packed = header->is_packed;
}

static int load(struct index_file *index, struct error *err)
{
	const struct index_format_inode *root;
	struct index_header header;
	int r = index_header_load(index->fd, &header, err);

	if (r < 0)
		return r;
	index->manifest_digest = header.manifest_digest;
	r = map_sections(index, &header, err);
	if (r == 0)
		r = load_sections(index, &header, err);
	if (r < 0)
		return r;
	count(index, &header);
	if (index->tables[INDEX_FORMAT_CHUNK_DIGEST].count !=
	    index->figures.chunk_count)
		return error_set(err, -EBADMSG,
				 "index sections CHUNK and CHUNK_DIGEST differ "
				 "in length");
	root = index_file_inode_record(index, INDEX_ROOT);
	if (!root || !S_ISDIR(le_load16(root->mode)))
		return error_set(err, -EBADMSG,
				 "the index has no root directory");
	index->chunks.ops = &index_file_chunk_ops;
	index->chunks.identity = header.manifest_digest;
	index->chunks.count = index->figures.chunk_count;
	return load_blobs(index, err);
}

int index_file_wrap(const struct index_file_sections *sections,
		    struct index_file **ret)
{
	struct index_file *index = calloc(1, sizeof(*index));

	if (!index)
		return -ENOMEM;
	index->fd = -1;
	for (uint32_t type = 1; type < INDEX_FORMAT_TYPE_COUNT; type++) {
		struct index_table *table = &index->tables[type];

		table->data = sections->data[type];
		table->size = sections->size[type];
		table->count = (uint32_t)(table->size /
					  index_format_record_size(type));
	}
	index->figures.inode_count = index->tables[INDEX_FORMAT_INODE].count;
	*ret = index;
	return 0;
}

int index_file_open(int fd, struct index_file **ret, struct error *err)
{
	struct index_file *index = calloc(1, sizeof(*index));
	int r;

	if (!index)
		return error_set(err, -ENOMEM, "out of memory");
	index->fd = fd;
	r = load(index, err);
	if (r < 0) {
		index_file_close(index);
		return r;
	}
	*ret = index;
	return 0;
}

void index_file_close(struct index_file *index)
{
	if (!index)
		return;
	for (unsigned i = 0; i < INDEX_FORMAT_TYPE_COUNT; i++)
		free(index->tables[i].owned);
	free(index->blobs);
	if (index->map)
		munmap(index->map, index->map_size);
	free(index);
}
