/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tar_maker: tar archives in memory, as nasty as a test wants them.
 *
 *	struct tar_maker tar = TAR_MAKER_INIT;
 *
 *	tar_maker_add_directory(&tar, "etc/");
 *	tar_maker_add_file(&tar, "etc/hostname", "box\n", 4);
 *	tar_maker_add_end(&tar);
 *	... tar.buffer.data, tar.buffer.size ...
 *	tar_maker_fini(&tar);
 *
 * Nothing is checked: names that do not fit are cut, sizes may lie.  Out of
 * memory aborts.  Formats: POSIX.1-2017 pax (ustar and pax), GNU tar manual
 * "Basic Tar Format".
 *
 * Threads: one at a time.
 */
#include "common/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAR_MAKER_BLOCK_SIZE = 512 };

struct tar_maker {
	struct buffer buffer; /* the archive so far */
};

#define TAR_MAKER_INIT                                                         \
	{                                                                      \
		.buffer = BUFFER_INIT((size_t)1 << 30)                         \
	}

enum tar_maker_format {
	TAR_MAKER_USTAR, /* "ustar\0" "00": ustar and pax */
	TAR_MAKER_GNU,	 /* "ustar  \0" */
	TAR_MAKER_V7,	 /* no magic */
};

/* One header block.  Numbers too large for octal are written in base 256. */
struct tar_maker_header {
	enum tar_maker_format format;
	const char *name;   /* first 100 bytes are used */
	const char *prefix; /* ustar: first 155 bytes; may be NULL */
	const char *link;   /* first 100 bytes; may be NULL */
	char type;	    /* '0' to '7', 'x', 'g', 'L', 'K', 'S' ... */
	bool has_bad_checksum;
	uint32_t mode;
	int64_t uid;
	int64_t gid;
	int64_t size; /* what the header says */
	int64_t mtime;
	int64_t major;
	int64_t minor;
};

/* One pax record; the value may hold any bytes. */
struct tar_maker_record {
	const char *key;
	const void *value;
	size_t value_size;
};

/* A record with a text value. */
#define TAR_MAKER_RECORD(k, v)                                                 \
	((struct tar_maker_record){                                            \
		.key = (k), .value = (v), .value_size = strlen(v) })

void tar_maker_fini(struct tar_maker *tar);

/** tar_maker_add_header() - one 512-byte header block, and nothing else */
void tar_maker_add_header(struct tar_maker *tar,
			  const struct tar_maker_header *header);

/** tar_maker_add_bytes() - bytes as they are, without padding */
void tar_maker_add_bytes(struct tar_maker *tar, const void *data, size_t size);

/** tar_maker_pad() - zeros up to the next block boundary */
void tar_maker_pad(struct tar_maker *tar);

/** tar_maker_add_data() - bytes and padding */
void tar_maker_add_data(struct tar_maker *tar, const void *data, size_t size);

/**
 * tar_maker_add_pax() - a pax extended header
 * @type: 'x' (for the next entry) or 'g' (global)
 */
void tar_maker_add_pax(struct tar_maker *tar, char type,
		       const struct tar_maker_record *records, size_t count);

/** tar_maker_add_gnu_long() - a GNU long name ('L') or long link ('K') */
void tar_maker_add_gnu_long(struct tar_maker *tar, char type, const char *name);

/* Whole entries: ustar, root's, 0644 or 0755, mtime 1000000000; names that do
 * not fit 100 bytes get a pax header. */
void tar_maker_add_file(struct tar_maker *tar, const char *path,
			const void *data, size_t size);
void tar_maker_add_directory(struct tar_maker *tar, const char *path);
void tar_maker_add_symlink(struct tar_maker *tar, const char *path,
			   const char *target);
void tar_maker_add_hard_link(struct tar_maker *tar, const char *path,
			     const char *target);

/** tar_maker_add_end() - the two zero blocks that end an archive */
void tar_maker_add_end(struct tar_maker *tar);
