/* SPDX-License-Identifier: Apache-2.0 */
#include "index/index_writer.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/le.h"
#include "index/hint_builder.h"
#include "index/index_format.h"
#include "index/index_output.h"
#include "index/tree_layout.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Blob and chunk sections, docs/index-format.md sections 4.3 and 6. */
struct blob_tables {
	struct buffer blobs;
	struct buffer chunks;
	struct buffer digests;
	uint64_t windows_size;
};

/* @raw_off: where the chunk before ended */
static int check_chunk(const struct index_writer_blob *blob,
		       const struct index_writer_chunk *chunk, uint64_t raw_off,
		       struct error *err)
{
	const struct chunk_ref *ref = &chunk->ref;

	if (chunk->raw_off != raw_off ||
	    !le_range_fits(raw_off, ref->raw_size, blob->raw_size) ||
	    !le_range_fits(ref->stored_off, ref->stored_size, blob->size) ||
	    !le_range_fits(ref->window_off, ref->window_size,
			   blob->windows_size))
		return error_set(err, -EINVAL,
				 "the chunk at %llu of a layer does not "
				 "continue the one before",
				 (unsigned long long)chunk->raw_off);
	if (ref->window_off > UINT32_MAX ||
	    ref->window_size > INDEX_FORMAT_WINDOW_SIZE_MAX)
		return error_set(err, -EFBIG,
				 "a layer's windows are larger than 4 GiB");
	return 0;
}

static int add_chunk(struct blob_tables *tables,
		     const struct index_writer_chunk *chunk)
{
	const struct chunk_ref *ref = &chunk->ref;
	struct index_format_chunk record;
	struct index_format_chunk_digest digest = { 0 };
	int r;

	le_store64(record.raw_off, chunk->raw_off);
	le_store64(record.stored_off, ref->stored_off);
	le_store32(record.stored_size, ref->stored_size);
	le_store32(record.raw_size, ref->raw_size);
	le_store32(record.window_off,
		   ref->window_size ? (uint32_t)ref->window_off : 0);
	le_store16(record.window_size, (uint16_t)ref->window_size);
	record.codec = (uint8_t)ref->codec;
	record.bits = (uint8_t)(ref->start_bit | ref->end_bit << 4);
	memcpy(digest.stored, ref->digest.bytes, DIGEST_SIZE);
	if (ref->window_size)
		memcpy(digest.window, ref->window_digest,
		       sizeof(digest.window));
	r = buffer_append(&tables->chunks, &record, sizeof(record));
	if (r < 0)
		return r;
	return buffer_append(&tables->digests, &digest, sizeof(digest));
}

static int add_blob(struct blob_tables *tables,
		    const struct index_writer_blob *blob, struct error *err)
{
	size_t first = tables->chunks.size / sizeof(struct index_format_chunk);
	struct index_format_blob record;
	uint64_t raw_off = 0;
	int r;

	if (blob->raw_size > INDEX_FORMAT_RAW_OFF_MAX)
		return error_set(err, -EFBIG, "a layer is over 256 TiB");
	memcpy(record.digest, blob->digest.bytes, DIGEST_SIZE);
	memcpy(record.diff_id, blob->diff_id.bytes, DIGEST_SIZE);
	le_store64(record.size, blob->size);
	le_store64(record.raw_size, blob->raw_size);
	le_store64(record.window_off, tables->windows_size);
	le_store64(record.window_size, blob->windows_size);
	le_store32(record.first_chunk, (uint32_t)first);
	le_store32(record.chunk_count, blob->chunk_count);
	r = buffer_append(&tables->blobs, &record, sizeof(record));
	for (uint32_t i = 0; i < blob->chunk_count && r == 0; i++) {
		const struct index_writer_chunk *chunk = &blob->chunks[i];

		r = check_chunk(blob, chunk, raw_off, err);
		if (r < 0)
			return r;
		raw_off += chunk->ref.raw_size;
		r = add_chunk(tables, chunk);
	}
	if (r < 0)
		return error_set_errno(err, r, "the image has too many chunks");
	if (raw_off != blob->raw_size)
		return error_set(err, -EINVAL,
				 "the chunks of a layer end at %llu of %llu",
				 (unsigned long long)raw_off,
				 (unsigned long long)blob->raw_size);
	tables->windows_size += blob->windows_size;
	return 0;
}

static int write_sections(struct index_output *output,
			  const struct index_writer_image *image,
			  const struct blob_tables *tables,
			  const struct tree_layout *layout,
			  const struct buffer *hints)
{
	const struct {
		enum index_format_type type;
		const void *data;
		size_t size;
	} sections[] = {
		{ INDEX_FORMAT_MANIFEST, image->manifest,
		  image->manifest_size },
		{ INDEX_FORMAT_CONFIG, image->config, image->config_size },
		{ INDEX_FORMAT_BLOB, tables->blobs.data, tables->blobs.size },
		{ INDEX_FORMAT_OWNER, layout->owners.data,
		  layout->owners.size },
		{ INDEX_FORMAT_INODE, layout->inodes.data,
		  layout->inodes.size },
		{ INDEX_FORMAT_DIRENT, layout->dirents.data,
		  layout->dirents.size },
		{ INDEX_FORMAT_NAMES, layout->names.data, layout->names.size },
		{ INDEX_FORMAT_SYMLINK, layout->symlinks.data,
		  layout->symlinks.size },
		{ INDEX_FORMAT_XATTR, layout->xattrs.data,
		  layout->xattrs.size },
		{ INDEX_FORMAT_EXTENT, layout->extents.data,
		  layout->extents.size },
		{ INDEX_FORMAT_CHUNK, tables->chunks.data,
		  tables->chunks.size },
		{ INDEX_FORMAT_CHUNK_DIGEST, tables->digests.data,
		  tables->digests.size },
		{ INDEX_FORMAT_HINT, hints->data, hints->size },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		if (sections[i].type == INDEX_FORMAT_HINT &&
		    sections[i].size == 0)
			continue;
		r = index_output_add(output, sections[i].type,
				     index_format_record_size(sections[i].type),
				     sections[i].data, sections[i].size);
		if (r < 0)
			return r;
	}
	r = index_output_add_windows(output, tables->windows_size);
	for (uint32_t i = 0; i < image->blob_count && r == 0; i++)
		r = index_output_write(output, image->blobs[i].windows,
				       image->blobs[i].windows_size);
	return r;
}

static int write_file(int fd, const struct index_writer_image *image,
		      bool is_packed, const struct blob_tables *tables,
		      const struct tree_layout *layout, struct error *err)
{
	struct buffer hints CLEANUP(buffer_fini) =
		BUFFER_INIT(INDEX_FORMAT_HINT_SIZE_MAX);
	struct index_output output;
	int r = hint_builder_make(image->tree, layout, &hints);

	if (r == 0)
		r = index_output_begin(&output, fd, is_packed,
				       &image->manifest_digest);
	if (r == 0)
		r = write_sections(&output, image, tables, layout, &hints);
	if (r == 0)
		r = index_output_finish(&output);
	if (r < 0)
		return error_set_errno(err, r, "cannot write the index");
	return 0;
}

int index_writer_write(int fd, const struct index_writer_image *image,
		       bool is_packed, struct error *err)
{
	const struct buffer empty =
		BUFFER_INIT(INDEX_FORMAT_SECTION_RAW_SIZE_MAX);
	struct blob_tables tables = { empty, empty, empty, 0 };
	struct tree_layout layout;
	int r = 0;

	if (image->blob_count > INDEX_FORMAT_BLOB_COUNT_MAX)
		return error_set(err, -EFBIG, "the image has over %d layers",
				 INDEX_FORMAT_BLOB_COUNT_MAX);
	for (uint32_t i = 0; i < image->blob_count && r == 0; i++)
		r = add_blob(&tables, &image->blobs[i], err);
	if (r == 0) {
		r = tree_layout_build(image->tree, &layout);
		if (r < 0)
			error_set_errno(err, r, "cannot lay out the tree");
		else
			r = write_file(fd, image, is_packed, &tables, &layout,
				       err);
		tree_layout_fini(&layout);
	}
	buffer_fini(&tables.blobs);
	buffer_fini(&tables.chunks);
	buffer_fini(&tables.digests);
	return r;
}
