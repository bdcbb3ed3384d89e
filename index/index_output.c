/* SPDX-License-Identifier: Apache-2.0 */
#include "index/index_output.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/hash.h"
#include "common/io.h"
#include "index/index_section.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>
#include <zstd.h>

int index_output_write(struct index_output *output, const void *data,
		       size_t size)
{
	int r = io_write_full(output->fd, data, size);

	if (r < 0)
		return r;
	output->off += size;
	return 0;
}

/* Sections start on a page in the raw state, so that they can be mapped. */
static int pad(struct index_output *output)
{
	static const uint8_t zeros[INDEX_FORMAT_ALIGNMENT];
	uint64_t off = index_header_next_off(&output->header, output->off);

	return index_output_write(output, zeros, off - output->off);
}

int index_output_begin(struct index_output *output, int fd, bool is_packed,
		       const struct digest *manifest_digest)
{
	static const uint8_t zeros[INDEX_FORMAT_HEADER_SIZE];

	*output = (struct index_output){
		.fd = fd,
		.header.is_packed = is_packed,
		.header.manifest_digest = *manifest_digest,
	};
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return index_output_write(output, zeros, sizeof(zeros));
}

static struct index_section *new_section(struct index_output *output,
					 uint32_t type)
{
	struct index_header *header = &output->header;

	assert(header->section_count < INDEX_FORMAT_SECTION_COUNT_MAX);
	assert(!index_header_find(header, type));
	assert(!index_header_find(header, INDEX_FORMAT_WINDOW));
	return &header->sections[header->section_count++];
}

int index_output_add(struct index_output *output, uint32_t type,
		     uint32_t record_size, const void *raw, size_t size)
{
	struct buffer packed CLEANUP(buffer_fini) = BUFFER_INIT(
		ZSTD_COMPRESSBOUND(INDEX_FORMAT_SECTION_RAW_SIZE_MAX));
	struct index_section *section = new_section(output, type);
	uint32_t flags = 0;
	int r;

	output->raw_size += size;
	if (size > INDEX_FORMAT_SECTION_RAW_SIZE_MAX ||
	    output->raw_size > INDEX_FORMAT_TOTAL_RAW_SIZE_MAX)
		return -EFBIG;
	r = pad(output);
	if (r == 0 && output->header.is_packed)
		r = index_section_pack(raw, size, record_size, &packed, &flags);
	if (r < 0)
		return r;
	*section = (struct index_section){
		.type = type,
		.flags = flags,
		.off = output->off,
		.stored_size = flags ? packed.size : size,
		.raw_size = size,
		.record_size = record_size,
	};
	if (flags)
		raw = packed.data;
	section->hash = hash_xxh3(raw, section->stored_size);
	return index_output_write(output, raw, section->stored_size);
}

int index_output_add_windows(struct index_output *output, uint64_t size)
{
	struct index_section *section =
		new_section(output, INDEX_FORMAT_WINDOW);
	int r = pad(output);

	if (r < 0)
		return r;
	*section = (struct index_section){
		.type = INDEX_FORMAT_WINDOW,
		.off = output->off,
		.stored_size = size,
		.raw_size = size,
		.record_size = 1,
	};
	return 0;
}

int index_output_finish(struct index_output *output)
{
	struct index_header *header = &output->header;
	struct index_format_header bytes;

	assert(header->sections[header->section_count - 1].type ==
	       INDEX_FORMAT_WINDOW);
	assert(header->sections[header->section_count - 1].off +
		       header->sections[header->section_count - 1].raw_size ==
	       output->off);
	header->file_size = output->off;
	index_header_encode(header, &bytes);
	if (lseek(output->fd, 0, SEEK_SET) < 0)
		return -errno;
	return io_write_full(output->fd, &bytes, sizeof(bytes));
}
