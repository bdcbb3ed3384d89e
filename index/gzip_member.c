/* SPDX-License-Identifier: Apache-2.0 */
#include "index/gzip_member.h"

#include "common/error.h"
#include "common/le.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdbool.h>
#include <string.h>

/* RFC 1952, section 2.3 */
enum {
	ID1 = 0x1f,
	ID2 = 0x8b,
	METHOD_DEFLATE = 8,
	FIXED_SIZE = 10, /* ID1 to OS */
	FLAGS_OFF = 3,
	FLAG_HCRC = 1 << 1,
	FLAG_EXTRA = 1 << 2,
	FLAG_NAME = 1 << 3,
	FLAG_COMMENT = 1 << 4,
	FLAGS_RESERVED = 0xe0, /* "must give an error indication" */
};

struct header {
	const uint8_t *data;
	size_t size;
	size_t off; /* parsed so far; past size: the header is not whole */
};

static void skip_extra(struct header *header)
{
	if (header->off + 2 <= header->size)
		header->off += le_load16(header->data + header->off);
	header->off += 2;
}

static void skip_text(struct header *header)
{
	const uint8_t *end = NULL;

	if (header->off < header->size)
		end = memchr(header->data + header->off, 0,
			     header->size - header->off);
	header->off = end ? (size_t)(end + 1 - header->data) : header->size + 1;
}

static bool check_crc(struct header *header)
{
	size_t off = header->off;

	header->off += 2;
	if (header->off > header->size)
		return true; /* later, when it is there */
	return le_load16(header->data + off) ==
	       (libdeflate_crc32(0, header->data, off) & 0xffff);
}

ssize_t gzip_member_parse_header(const void *data, size_t size,
				 struct error *err)
{
	struct header header = { .data = data, .size = size };
	uint8_t flags;

	if (size < FIXED_SIZE)
		return 0;
	if (header.data[0] != ID1 || header.data[1] != ID2)
		return error_set(err, -EBADMSG, "not a gzip header");
	flags = header.data[FLAGS_OFF];
	if (header.data[2] != METHOD_DEFLATE || (flags & FLAGS_RESERVED))
		return error_set(err, -EBADMSG,
				 "gzip header with method %u and flags %02x, "
				 "which RFC 1952 does not know",
				 header.data[2], flags);
	header.off = FIXED_SIZE;
	if (flags & FLAG_EXTRA)
		skip_extra(&header);
	if (flags & FLAG_NAME)
		skip_text(&header);
	if (flags & FLAG_COMMENT)
		skip_text(&header);
	if ((flags & FLAG_HCRC) && !check_crc(&header))
		return error_set(err, -EBADMSG,
				 "gzip header does not match its checksum");
	if (header.off <= size)
		return (ssize_t)header.off;
	if (size >= GZIP_MEMBER_HEADER_SIZE_MAX)
		return error_set(err, -EFBIG,
				 "gzip header longer than %d bytes",
				 GZIP_MEMBER_HEADER_SIZE_MAX);
	return 0;
}

void gzip_member_update(struct gzip_member *member, const void *raw,
			size_t size)
{
	member->crc = libdeflate_crc32(member->crc, raw, size);
	member->raw_size += (uint32_t)size;
}

int gzip_member_check_trailer(const struct gzip_member *member,
			      const void *trailer, struct error *err)
{
	uint32_t crc = le_load32(trailer);
	uint32_t raw_size = le_load32((const uint8_t *)trailer + 4);

	if (crc != member->crc)
		return error_set(err, -EBADMSG,
				 "gzip checksum is %08x, the content's is %08x",
				 crc, member->crc);
	if (raw_size != member->raw_size)
		return error_set(err, -EBADMSG,
				 "gzip trailer says %u bytes, the content has "
				 "%u (modulo 2^32)",
				 raw_size, member->raw_size);
	return 0;
}
