/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies an index with its sections packed or unpacked.  Sections of types
 * that this program does not know are copied like the others: that is safe as
 * long as no read-only feature says otherwise.
 */
#include "index/index_writer.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/io.h"
#include "index/index_format.h"
#include "index/index_header.h"
#include "index/index_output.h"
#include "index/index_section.h"

#include <errno.h>
#include <stdlib.h>

enum { COPY_SIZE = 1 << 20 };

static int load_section(int fd, const struct index_section *section,
			uint8_t **ret_raw)
{
	autofree uint8_t *stored = malloc(section->stored_size + 1);
	int r;

	if (!stored)
		return -ENOMEM;
	r = io_pread_full(fd, section->off, section->stored_size, stored);
	if (r < 0)
		return r == -ENODATA ? -EBADMSG : -EIO;
	if (hash_xxh3(stored, section->stored_size) != section->hash)
		return -EBADMSG;
	if (section->flags & INDEX_FORMAT_SECTION_ZSTD)
		return index_section_unpack(section, stored, ret_raw);
	*ret_raw = STEAL_PTR(stored);
	return 0;
}

static int copy_section(int from_fd, const struct index_section *section,
			struct index_output *output, struct error *err)
{
	autofree uint8_t *raw = NULL;
	int r = load_section(from_fd, section, &raw);

	if (r < 0)
		return error_set(err, r,
				 "index section %s is corrupt; make the index "
				 "anew with `lazyrun index`",
				 index_header_type_name(section->type));
	r = index_output_add(output, section->type, section->record_size, raw,
			     section->raw_size);
	if (r < 0)
		return error_set_errno(err, r, "cannot write the index");
	return 0;
}

static int copy_windows(int from_fd, const struct index_section *section,
			struct index_output *output, struct error *err)
{
	autofree uint8_t *data = malloc(COPY_SIZE);
	uint64_t done = 0;
	int r = index_output_add_windows(output, section->stored_size);

	if (!data)
		return error_set(err, -ENOMEM, "out of memory");
	while (r == 0 && done < section->stored_size) {
		uint64_t rest = section->stored_size - done;
		size_t size = rest < COPY_SIZE ? rest : COPY_SIZE;

		r = io_pread_full(from_fd, section->off + done, size, data);
		if (r < 0)
			return error_set(err, -EIO,
					 "cannot read the index's windows");
		r = index_output_write(output, data, size);
		done += size;
	}
	if (r < 0)
		return error_set_errno(err, r, "cannot write the index");
	return 0;
}

int index_writer_repack(int from_fd, int to_fd, bool is_packed,
			struct error *err)
{
	struct index_header header;
	struct index_output output;
	int r = index_header_load(from_fd, &header, err);

	if (r < 0)
		return r;
	if (header.feature_ro & ~(uint32_t)INDEX_FORMAT_FEATURES_RO)
		return error_set(err, -ENOTSUP,
				 "the index has features 0x%x that this "
				 "lazyrun cannot copy",
				 header.feature_ro);
	r = index_output_begin(&output, to_fd, is_packed,
			       &header.manifest_digest);
	if (r < 0)
		return error_set_errno(err, r, "cannot write the index");
	output.header.feature_ro = header.feature_ro;
	for (uint32_t i = 0; i < header.section_count && r == 0; i++) {
		const struct index_section *section = &header.sections[i];

		if (section->type == INDEX_FORMAT_WINDOW)
			r = copy_windows(from_fd, section, &output, err);
		else
			r = copy_section(from_fd, section, &output, err);
	}
	if (r < 0)
		return r;
	r = index_output_finish(&output);
	if (r < 0)
		return error_set_errno(err, r, "cannot write the index");
	return 0;
}
