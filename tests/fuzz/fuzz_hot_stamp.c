/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a stamp and then a record; both checksums are made right, so
 * that what lies behind them is reached.  What decodes must encode to the same
 * bytes.
 */
#include "common/hash.h"
#include "common/io.h"
#include "common/le.h"
#include "hot/hot_record.h"
#include "hot/hot_stamp.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { INODES = 300, RECORD_SIZE_MAX = 4096, RECORD_HEADER_SIZE = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_stamp(const uint8_t *data, size_t size)
{
	uint8_t bytes[HOT_STAMP_SIZE];
	uint8_t again[HOT_STAMP_SIZE];
	struct hot_stamp stamp;

	if (hot_stamp_decode(data, size, &stamp) == 0)
		hot_stamp_encode(&stamp, again);
	if (size < sizeof(bytes))
		return;
	memcpy(bytes, data, sizeof(bytes));
	memset(bytes + 80, 0, 8);
	le_store32(bytes + 12, le_load32(bytes + 12) & 1);
	le_store64(bytes + 88, hash_xxh3(bytes, 88));
	if (hot_stamp_decode(bytes, sizeof(bytes), &stamp) < 0)
		return;
	hot_stamp_encode(&stamp, again);
	if (memcmp(bytes, again, sizeof(bytes)) != 0)
		abort();
}

static void try_record(const uint8_t *data, size_t size)
{
	uint8_t bytes[RECORD_SIZE_MAX];
	struct hot_record *record = hot_record_create(INODES);
	int fd = memfd_create("record", MFD_CLOEXEC);
	char path[32];
	uint32_t inode = 0;

	if (size > sizeof(bytes))
		size = sizeof(bytes);
	memcpy(bytes, data, size);
	if (size >= RECORD_HEADER_SIZE)
		le_store64(bytes + 24, hash_xxh3(bytes + RECORD_HEADER_SIZE,
						 size - RECORD_HEADER_SIZE));
	if (!record || fd < 0 || io_write_full(fd, bytes, size) < 0)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (hot_record_load(record, AT_FDCWD, path,
			    size >= 16 ? le_load64(bytes + 8) : 0) == 0)
		while ((inode = hot_record_next(record, inode)) != 0)
			if (inode > INODES)
				abort();
	close(fd);
	hot_record_destroy(record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t stamp_size = size < HOT_STAMP_SIZE ? size : HOT_STAMP_SIZE;

	try_stamp(data, stamp_size);
	try_record(data + stamp_size, size - stamp_size);
	return 0;
}
