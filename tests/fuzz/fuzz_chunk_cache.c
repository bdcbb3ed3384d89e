/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cache file of any content is a miss, or holds exactly what its header's
 * hash says; a miss leaves no file behind.
 *
 * The first byte chooses how much of the input is patched up, so that the
 * fuzzer gets past magic, key and hash: bit 0 the header's fixed fields, bit 1
 * the hash as well.
 */
#include "fetch/chunk_cache.h"

#include "fetch/chunk_cache_name.h"
#include "fetch/chunk_record.h"
#include "tests/support/temp_dir.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	RAW_SIZE = 100,
	RECORD_SIZE_MAX = 4096,
	HASH_OFF = 48,
};

static char dir[TEMP_DIR_SIZE];
static char path[CHUNK_CACHE_NAME_SIZE];
static struct chunk_cache *cache;
static const struct digest key = { .bytes = { 1, 2, 3 } };

static void remove_dir(void)
{
	chunk_cache_close(cache);
	temp_dir_remove(dir);
}

static void prepare(void)
{
	static const uint8_t zeros[RAW_SIZE];

	temp_dir_create(dir);
	if (chunk_cache_open(dir, 1 << 20, &cache, NULL) < 0)
		abort();
	/* makes the folder */
	if (chunk_cache_store(cache, &key, zeros, RAW_SIZE) < 0)
		abort();
	chunk_cache_name_format(&key, path);
	atexit(remove_dir);
}

static void write_record(const uint8_t *record, size_t size)
{
	int fd = openat(chunk_cache_dir_fd(cache), path,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, record, size) != (ssize_t)size)
		abort();
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t record[RECORD_SIZE_MAX];
	uint8_t loaded[RAW_SIZE];

	if (!cache)
		prepare();
	if (size < 1 || size - 1 > sizeof(record))
		return 0;
	memcpy(record, data + 1, size - 1);
	if (size - 1 >= CHUNK_RECORD_HEADER_SIZE + RAW_SIZE && data[0] & 3) {
		uint8_t header[CHUNK_RECORD_HEADER_SIZE];

		chunk_record_encode(&key, record + sizeof(header), RAW_SIZE,
				    header);
		memcpy(record, header,
		       data[0] & 2 ? sizeof(header) : (size_t)HASH_OFF);
	}
	write_record(record, size - 1);
	if (chunk_cache_load(cache, &key, loaded, RAW_SIZE) ==
	    CHUNK_CACHE_HIT) {
		assert(size - 1 == CHUNK_RECORD_HEADER_SIZE + RAW_SIZE);
		assert(memcmp(loaded, record + CHUNK_RECORD_HEADER_SIZE,
			      RAW_SIZE) == 0);
	} else {
		assert(!chunk_cache_has(cache, &key, RAW_SIZE));
		assert(faccessat(chunk_cache_dir_fd(cache), path, F_OK, 0) < 0);
	}
	return 0;
}
