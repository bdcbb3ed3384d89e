/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tar_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MTIME = 1000000000 };

/* POSIX.1-2017 pax, "ustar Interchange Format". */
struct header_block {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[8];
	char uname[32];
	char gname[32];
	char major[8];
	char minor[8];
	char prefix[155];
	char padding[12];
};
_Static_assert(sizeof(struct header_block) == TAR_MAKER_BLOCK_SIZE,
	       "a tar header is one block");

static void fill_text(char *field, size_t size, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	memcpy(field, text ? text : "", len < size ? len : size);
}

/* Octal digits and a NUL where they fit, else GNU's base 256: the first byte
 * 0x80 (or 0xff below zero), then a big-endian two's complement. */
static void fill_number(char *field, size_t size, int64_t value)
{
	size_t digit_count = size - 1;

	if (value >= 0 &&
	    (digit_count >= 21 || value >> (3 * digit_count) == 0)) {
		field[digit_count] = '\0';
		for (size_t i = digit_count; i-- > 0; value >>= 3)
			field[i] = (char)('0' + (value & 7));
		return;
	}
	memset(field, value < 0 ? 0xff : 0, size);
	for (size_t i = size; i-- > 1; value >>= 8)
		field[i] = (char)(value & 0xff);
	if (value >= 0)
		field[0] = (char)0x80;
}

static void fill_checksum(struct header_block *block, bool is_bad)
{
	const uint8_t *bytes = (const uint8_t *)block;
	unsigned sum = is_bad ? 1 : 0;

	memset(block->checksum, ' ', sizeof(block->checksum));
	for (size_t i = 0; i < sizeof(*block); i++)
		sum += bytes[i];
	fill_number(block->checksum, 7, sum);
}

void tar_maker_fini(struct tar_maker *tar)
{
	buffer_fini(&tar->buffer);
}

void tar_maker_add_bytes(struct tar_maker *tar, const void *data, size_t size)
{
	if (buffer_append(&tar->buffer, data, size) < 0)
		abort();
}

void tar_maker_pad(struct tar_maker *tar)
{
	static const uint8_t zeros[TAR_MAKER_BLOCK_SIZE];
	size_t used = tar->buffer.size % TAR_MAKER_BLOCK_SIZE;

	if (used)
		tar_maker_add_bytes(tar, zeros, TAR_MAKER_BLOCK_SIZE - used);
}

void tar_maker_add_data(struct tar_maker *tar, const void *data, size_t size)
{
	tar_maker_add_bytes(tar, data, size);
	tar_maker_pad(tar);
}

void tar_maker_add_header(struct tar_maker *tar,
			  const struct tar_maker_header *header)
{
	struct header_block block = { .type = header->type };

	fill_text(block.name, sizeof(block.name), header->name);
	fill_number(block.mode, sizeof(block.mode), header->mode);
	fill_number(block.uid, sizeof(block.uid), header->uid);
	fill_number(block.gid, sizeof(block.gid), header->gid);
	fill_number(block.size, sizeof(block.size), header->size);
	fill_number(block.mtime, sizeof(block.mtime), header->mtime);
	fill_text(block.link, sizeof(block.link), header->link);
	if (header->format == TAR_MAKER_USTAR)
		memcpy(block.magic, "ustar\00000", 8);
	else if (header->format == TAR_MAKER_GNU)
		memcpy(block.magic, "ustar  ", 8);
	if (header->format != TAR_MAKER_V7) {
		fill_number(block.major, sizeof(block.major), header->major);
		fill_number(block.minor, sizeof(block.minor), header->minor);
	}
	if (header->format == TAR_MAKER_USTAR)
		fill_text(block.prefix, sizeof(block.prefix), header->prefix);
	fill_checksum(&block, header->has_bad_checksum);
	tar_maker_add_bytes(tar, &block, sizeof(block));
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts its own digits. */
static void append_record(struct buffer *body,
			  const struct tar_maker_record *record)
{
	size_t rest = 1 + strlen(record->key) + 1 + record->value_size + 1;
	char prefix[32];
	size_t size = rest;

	do {
		size++;
		snprintf(prefix, sizeof(prefix), "%zu ", size);
	} while (strlen(prefix) - 1 + rest != size);
	if (buffer_append(body, prefix, strlen(prefix)) < 0 ||
	    buffer_append(body, record->key, strlen(record->key)) < 0 ||
	    buffer_append(body, "=", 1) < 0 ||
	    buffer_append(body, record->value, record->value_size) < 0 ||
	    buffer_append(body, "\n", 1) < 0)
		abort();
}

void tar_maker_add_pax(struct tar_maker *tar, char type,
		       const struct tar_maker_record *records, size_t count)
{
	struct buffer body = BUFFER_INIT((size_t)1 << 30);
	struct tar_maker_header header = {
		.name = "PaxHeader",
		.type = type,
		.mode = 0644,
	};

	for (size_t i = 0; i < count; i++)
		append_record(&body, &records[i]);
	header.size = (int64_t)body.size;
	tar_maker_add_header(tar, &header);
	tar_maker_add_data(tar, body.data, body.size);
	buffer_fini(&body);
}

void tar_maker_add_gnu_long(struct tar_maker *tar, char type, const char *name)
{
	struct tar_maker_header header = {
		.format = TAR_MAKER_GNU,
		.name = "././@LongLink",
		.type = type,
		.mode = 0644,
		.size = (int64_t)strlen(name) + 1,
	};

	tar_maker_add_header(tar, &header);
	tar_maker_add_data(tar, name, strlen(name) + 1);
}

static void add_entry(struct tar_maker *tar,
		      const struct tar_maker_header *header)
{
	struct tar_maker_record records[2];
	size_t count = 0;

	if (strlen(header->name) > 100)
		records[count++] = TAR_MAKER_RECORD("path", header->name);
	if (header->link && strlen(header->link) > 100)
		records[count++] = TAR_MAKER_RECORD("linkpath", header->link);
	if (count)
		tar_maker_add_pax(tar, 'x', records, count);
	tar_maker_add_header(tar, header);
}

void tar_maker_add_file(struct tar_maker *tar, const char *path,
			const void *data, size_t size)
{
	const struct tar_maker_header header = {
		.name = path,
		.type = '0',
		.mode = 0644,
		.size = (int64_t)size,
		.mtime = DEFAULT_MTIME,
	};

	add_entry(tar, &header);
	tar_maker_add_data(tar, data, size);
}

void tar_maker_add_directory(struct tar_maker *tar, const char *path)
{
	const struct tar_maker_header header = {
		.name = path,
		.type = '5',
		.mode = 0755,
		.mtime = DEFAULT_MTIME,
	};

	add_entry(tar, &header);
}

void tar_maker_add_symlink(struct tar_maker *tar, const char *path,
			   const char *target)
{
	const struct tar_maker_header header = {
		.name = path,
		.link = target,
		.type = '2',
		.mode = 0777,
		.mtime = DEFAULT_MTIME,
	};

	add_entry(tar, &header);
}

void tar_maker_add_hard_link(struct tar_maker *tar, const char *path,
			     const char *target)
{
	const struct tar_maker_header header = {
		.name = path,
		.link = target,
		.type = '1',
		.mode = 0644,
		.mtime = DEFAULT_MTIME,
	};

	add_entry(tar, &header);
}

void tar_maker_add_end(struct tar_maker *tar)
{
	static const uint8_t zeros[2 * TAR_MAKER_BLOCK_SIZE];

	tar_maker_add_bytes(tar, zeros, sizeof(zeros));
}
