/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gzip_member: what RFC 1952 puts around a deflate stream: a header before it
 * (section 2.3), its CRC-32 and size behind it.
 *
 * Threads: no shared state.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

enum {
	GZIP_MEMBER_TRAILER_SIZE = 8,
	/* An extra field is 64 KiB at most, name and comment are texts: who
	 * needs more is not a gzip file. */
	GZIP_MEMBER_HEADER_SIZE_MAX = 256 << 10,
};

/* Checksum of a member's raw bytes so far; starts as all zero. */
struct gzip_member {
	uint32_t crc;
	uint32_t raw_size; /* modulo 2^32, as the trailer has it */
};

/**
 * gzip_member_parse_header() - how long is the header?
 * @data: the member's first @size bytes
 *
 * The header's own CRC-16 is checked where it has one.
 *
 * Return: the header's size; 0 when it does not end within @size bytes;
 * -EBADMSG (not gzip, or damaged), -EFBIG (past GZIP_MEMBER_HEADER_SIZE_MAX).
 */
ssize_t gzip_member_parse_header(const void *data, size_t size,
				 struct error *err);

/** gzip_member_update() - count the next raw bytes */
void gzip_member_update(struct gzip_member *member, const void *raw,
			size_t size);

/**
 * gzip_member_check_trailer() - do the raw bytes match what was promised?
 * @trailer: GZIP_MEMBER_TRAILER_SIZE bytes
 *
 * Return: 0, -EBADMSG.
 */
int gzip_member_check_trailer(const struct gzip_member *member,
			      const void *trailer, struct error *err);
