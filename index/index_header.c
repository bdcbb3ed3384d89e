/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing behind the checksum is believed because of the checksum: it guards
 * against accidents, anybody can compute it.  So every number is checked
 * against the file's real length and the format's limits.
 */
#include "index/index_header.h"

#include "common/error.h"
#include "common/hash.h"
#include "common/io.h"
#include "common/le.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#define REMEDY "; make it anew with `lazyrun index`"

const char *index_header_type_name(uint32_t type)
{
	static const char *const names[INDEX_FORMAT_TYPE_COUNT] = {
		[INDEX_FORMAT_MANIFEST] = "MANIFEST",
		[INDEX_FORMAT_CONFIG] = "CONFIG",
		[INDEX_FORMAT_BLOB] = "BLOB",
		[INDEX_FORMAT_OWNER] = "OWNER",
		[INDEX_FORMAT_INODE] = "INODE",
		[INDEX_FORMAT_DIRENT] = "DIRENT",
		[INDEX_FORMAT_NAMES] = "NAMES",
		[INDEX_FORMAT_SYMLINK] = "SYMLINK",
		[INDEX_FORMAT_XATTR] = "XATTR",
		[INDEX_FORMAT_EXTENT] = "EXTENT",
		[INDEX_FORMAT_CHUNK] = "CHUNK",
		[INDEX_FORMAT_CHUNK_DIGEST] = "CHUNK_DIGEST",
		[INDEX_FORMAT_WINDOW] = "WINDOW",
		[INDEX_FORMAT_HINT] = "HINT",
	};

	if (type >= INDEX_FORMAT_TYPE_COUNT || !names[type])
		return "(unknown)";
	return names[type];
}

const struct index_section *index_header_find(const struct index_header *header,
					      uint32_t type)
{
	for (uint32_t i = 0; i < header->section_count; i++)
		if (header->sections[i].type == type)
			return &header->sections[i];
	return NULL;
}

static void decode_section(const struct index_format_section *bytes,
			   struct index_section *ret)
{
	ret->type = le_load32(bytes->type);
	ret->flags = le_load32(bytes->flags);
	ret->off = le_load64(bytes->off);
	ret->stored_size = le_load64(bytes->stored_size);
	ret->raw_size = le_load64(bytes->raw_size);
	ret->hash = le_load64(bytes->hash);
	ret->record_size = le_load32(bytes->record_size);
}

static void encode_section(const struct index_section *section,
			   struct index_format_section *ret)
{
	le_store32(ret->type, section->type);
	le_store32(ret->flags, section->flags);
	le_store64(ret->off, section->off);
	le_store64(ret->stored_size, section->stored_size);
	le_store64(ret->raw_size, section->raw_size);
	le_store64(ret->hash, section->hash);
	le_store32(ret->record_size, section->record_size);
}

static bool section_flags_are_sane(const struct index_header *header,
				   const struct index_section *section)
{
	const uint32_t known =
		INDEX_FORMAT_SECTION_ZSTD | INDEX_FORMAT_SECTION_TRANSPOSED;
	bool is_zstd = section->flags & INDEX_FORMAT_SECTION_ZSTD;

	if (section->flags & ~known)
		return false;
	if (section->flags & INDEX_FORMAT_SECTION_TRANSPOSED && !is_zstd)
		return false;
	if (is_zstd) /* only what gets smaller is stored compressed */
		return header->is_packed &&
		       section->type != INDEX_FORMAT_WINDOW &&
		       section->stored_size < section->raw_size;
	return section->stored_size == section->raw_size;
}

uint64_t index_header_next_off(const struct index_header *header, uint64_t end)
{
	uint64_t rest = end % INDEX_FORMAT_ALIGNMENT;

	if (header->is_packed || rest == 0)
		return end;
	return end + INDEX_FORMAT_ALIGNMENT - rest;
}

/* @end: where the section before ended */
static int check_section(const struct index_header *header,
			 const struct index_section *section, uint64_t end,
			 struct error *err)
{
	const char *name = index_header_type_name(section->type);
	uint32_t record_size = index_format_record_size(section->type);

	if (section->off != index_header_next_off(header, end) ||
	    !le_range_fits(section->off, section->stored_size,
			   header->file_size))
		return error_set(
			err, -EBADMSG,
			"index section %s lies outside its place" REMEDY, name);
	if (!section_flags_are_sane(header, section) ||
	    section->record_size == 0 ||
	    section->raw_size % section->record_size != 0 ||
	    (record_size && section->record_size != record_size))
		return error_set(err, -EBADMSG,
				 "index section %s is malformed" REMEDY, name);
	if (section->type != INDEX_FORMAT_WINDOW &&
	    section->raw_size > INDEX_FORMAT_SECTION_RAW_SIZE_MAX)
		return error_set(err, -EFBIG,
				 "index section %s is larger than 1 GiB", name);
	return 0;
}

static int check_section_table(const struct index_header *header,
			       struct error *err)
{
	const struct index_section *section = header->sections;
	uint64_t end = INDEX_FORMAT_HEADER_SIZE;
	uint64_t raw_size = 0;
	int r;

	for (uint32_t i = 0; i < header->section_count; i++, section++) {
		r = check_section(header, section, end, err);
		if (r < 0)
			return r;
		if (index_header_find(header, section->type) != section)
			return error_set(err, -EBADMSG,
					 "index section %s is there twice",
					 index_header_type_name(section->type));
		end = section->off + section->stored_size;
		if (section->type != INDEX_FORMAT_WINDOW)
			raw_size += section->raw_size;
	}
	if (raw_size > INDEX_FORMAT_TOTAL_RAW_SIZE_MAX)
		return error_set(err, -EFBIG,
				 "the index's sections are larger than 2 GiB");
	for (uint32_t type = 1; type < INDEX_FORMAT_TYPE_COUNT; type++)
		if (type != INDEX_FORMAT_HINT &&
		    !index_header_find(header, type))
			return error_set(err, -EBADMSG,
					 "the index has no section %s" REMEDY,
					 index_header_type_name(type));
	section = index_header_find(header, INDEX_FORMAT_WINDOW);
	if (section != header->sections + header->section_count - 1 ||
	    end != header->file_size)
		return error_set(
			err, -EBADMSG,
			"the index does not end with its windows" REMEDY);
	return 0;
}

static int check_identity(const struct index_format_header *bytes,
			  uint64_t file_size, struct error *err)
{
	uint32_t features;

	if (memcmp(bytes->magic, INDEX_FORMAT_MAGIC, INDEX_FORMAT_MAGIC_SIZE) !=
	    0)
		return error_set(err, -EBADMSG,
				 "the file is not a lazyrun index");
	if (le_load16(bytes->major) != INDEX_FORMAT_MAJOR)
		return error_set(
			err, -ENOTSUP,
			"the index has format version %u, this lazyrun "
			"reads version %d" REMEDY,
			le_load16(bytes->major), INDEX_FORMAT_MAJOR);
	if (le_load64(bytes->hash) !=
	    hash_xxh3(bytes, offsetof(struct index_format_header, hash)))
		return error_set(err, -EBADMSG,
				 "the index's header is corrupt" REMEDY);
	features = le_load32(bytes->feature_incompat) &
		   ~(uint32_t)INDEX_FORMAT_FEATURES_INCOMPAT;
	if (features)
		return error_set(err, -ENOTSUP,
				 "the index needs features 0x%x that this "
				 "lazyrun does not know" REMEDY,
				 features);
	if (le_load32(bytes->header_size) != INDEX_FORMAT_HEADER_SIZE ||
	    le_load32(bytes->section_count) > INDEX_FORMAT_SECTION_COUNT_MAX ||
	    le_load32(bytes->flags) & ~(uint32_t)INDEX_FORMAT_FLAG_PACKED)
		return error_set(err, -EBADMSG,
				 "the index's header is malformed" REMEDY);
	if (le_load64(bytes->file_size) != file_size)
		return error_set(
			err, -EBADMSG,
			"the index has %llu bytes where its header says %llu: "
			"it was cut or is still being written" REMEDY,
			(unsigned long long)file_size,
			(unsigned long long)le_load64(bytes->file_size));
	return 0;
}

static int decode(const struct index_format_header *bytes, uint64_t file_size,
		  struct index_header *ret, struct error *err)
{
	int r = check_identity(bytes, file_size, err);

	if (r < 0)
		return r;
	ret->feature_ro = le_load32(bytes->feature_ro);
	ret->is_packed = le_load32(bytes->flags) & INDEX_FORMAT_FLAG_PACKED;
	ret->file_size = file_size;
	memcpy(ret->manifest_digest.bytes, bytes->manifest_digest, DIGEST_SIZE);
	ret->section_count = le_load32(bytes->section_count);
	for (uint32_t i = 0; i < ret->section_count; i++)
		decode_section(&bytes->sections[i], &ret->sections[i]);
	return check_section_table(ret, err);
}

int index_header_load(int fd, struct index_header *ret, struct error *err)
{
	struct index_format_header bytes;
	struct index_header header;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return error_set_errno(err, -EIO, "cannot stat the index");
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EBADMSG,
				 "the index is not a regular file");
	if (st.st_size < INDEX_FORMAT_HEADER_SIZE)
		return error_set(err, -EBADMSG,
				 "the file is too short to be an index");
	r = io_pread_full(fd, 0, sizeof(bytes), &bytes);
	if (r < 0)
		return error_set_errno(err, -EIO, "cannot read the index");
	r = decode(&bytes, (uint64_t)st.st_size, &header, err);
	if (r < 0)
		return r;
	*ret = header;
	return 0;
}

void index_header_encode(const struct index_header *header,
			 struct index_format_header *ret)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->magic, INDEX_FORMAT_MAGIC, INDEX_FORMAT_MAGIC_SIZE);
	le_store16(ret->major, INDEX_FORMAT_MAJOR);
	le_store16(ret->minor, INDEX_FORMAT_MINOR);
	le_store32(ret->header_size, INDEX_FORMAT_HEADER_SIZE);
	le_store32(ret->feature_incompat, INDEX_FORMAT_FEATURES_INCOMPAT);
	le_store32(ret->feature_ro, header->feature_ro);
	le_store64(ret->file_size, header->file_size);
	le_store32(ret->section_count, header->section_count);
	le_store32(ret->flags,
		   header->is_packed ? INDEX_FORMAT_FLAG_PACKED : 0);
	memcpy(ret->manifest_digest, header->manifest_digest.bytes,
	       DIGEST_SIZE);
	for (uint32_t i = 0; i < header->section_count; i++)
		encode_section(&header->sections[i], &ret->sections[i]);
	le_store64(ret->hash,
		   hash_xxh3(ret, offsetof(struct index_format_header, hash)));
}
