/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file, little-endian:
 *	 0  "LZHR"           4  version
 *	 8  index's hash    16  inodes    20  zero
 *	24  XXH3-64 of what follows
 *	32  64 bits each, inode 0 (which is none) first
 */
#include "hot/hot_record.h"

#include "common/buffer.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/io.h"
#include "common/le.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	VERSION = 1,
	HEADER_SIZE = 32,
};

static const char magic[4] = { 'L', 'Z', 'H', 'R' };

static size_t count_words(uint32_t inode_count)
{
	return (size_t)inode_count / 64 + 1;
}

struct hot_record *hot_record_create(uint32_t inode_count)
{
	struct hot_record *record = calloc(1, sizeof(*record));

	if (!record)
		return NULL;
	record->inode_count = inode_count;
	record->words = calloc(count_words(inode_count), sizeof(uint64_t));
	if (record->words)
		return record;
	free(record);
	return NULL;
}

void hot_record_destroy(struct hot_record *record)
{
	if (!record)
		return;
	free(record->words);
	free(record);
}

static uint64_t bit_of(uint32_t inode)
{
	return 1ull << inode % 64;
}

static bool is_inode(const struct hot_record *record, uint32_t inode)
{
	return inode != 0 && inode <= record->inode_count;
}

void hot_record_add(struct hot_record *record, uint32_t inode)
{
	/* Most are there already: do not dirty the line for them. */
	if (is_inode(record, inode) && !hot_record_has(record, inode))
		__atomic_fetch_or(&record->words[inode / 64], bit_of(inode),
				  __ATOMIC_RELAXED);
}

void hot_record_remove(struct hot_record *record, uint32_t inode)
{
	if (is_inode(record, inode))
		__atomic_fetch_and(&record->words[inode / 64], ~bit_of(inode),
				   __ATOMIC_RELAXED);
}

bool hot_record_has(const struct hot_record *record, uint32_t inode)
{
	return is_inode(record, inode) &&
	       __atomic_load_n(&record->words[inode / 64], __ATOMIC_RELAXED) &
		       bit_of(inode);
}

uint32_t hot_record_next(const struct hot_record *record, uint32_t inode)
{
	while (inode < record->inode_count) {
		inode++;
		if (inode % 64 == 0 && record->words[inode / 64] == 0)
			inode += 63;
		else if (hot_record_has(record, inode))
			return inode;
	}
	return 0;
}

static int decode(struct hot_record *record, const struct buffer *file,
		  uint64_t index_hash)
{
	size_t words = count_words(record->inode_count);
	const uint8_t *data = file->data;

	if (file->size != HEADER_SIZE + words * 8 ||
	    memcmp(data, magic, sizeof(magic)) != 0 ||
	    le_load32(data + 4) != VERSION ||
	    le_load64(data + 8) != index_hash ||
	    le_load32(data + 16) != record->inode_count ||
	    le_load64(data + 24) != hash_xxh3(data + HEADER_SIZE, words * 8))
		return -EBADMSG;
	for (size_t i = 0; i < words; i++) {
		uint64_t word = le_load64(data + HEADER_SIZE + i * 8);

		__atomic_fetch_or(&record->words[i], word, __ATOMIC_RELAXED);
	}
	return 0;
}

int hot_record_load(struct hot_record *record, int dir_fd, const char *path,
		    uint64_t index_hash)
{
	struct buffer file =
		BUFFER_INIT(HEADER_SIZE + count_words(record->inode_count) * 8);
	int r = io_read_file(dir_fd, path, &file, NULL);

	if (r == 0)
		r = decode(record, &file, index_hash);
	buffer_fini(&file);
	return r == -EFBIG ? -EBADMSG : r;
}

int hot_record_save(const struct hot_record *record, int dir_fd,
		    const char *path, uint64_t index_hash, struct error *err)
{
	size_t words = count_words(record->inode_count);
	autofree uint8_t *data = calloc(1, HEADER_SIZE + words * 8);

	if (!data)
		return error_set(err, -ENOMEM, "out of memory");
	memcpy(data, magic, sizeof(magic));
	le_store32(data + 4, VERSION);
	le_store64(data + 8, index_hash);
	le_store32(data + 16, record->inode_count);
	for (size_t i = 0; i < words; i++)
		le_store64(
			data + HEADER_SIZE + i * 8,
			__atomic_load_n(&record->words[i], __ATOMIC_RELAXED));
	le_store64(data + 24, hash_xxh3(data + HEADER_SIZE, words * 8));
	return io_write_file_atomic(dir_fd, path, data, HEADER_SIZE + words * 8,
				    err);
}
