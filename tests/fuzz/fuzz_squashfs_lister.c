/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a SquashFS image: superblock, tables through libsquashfs, the
 * index made of them, which must be sound; and the same with every block read
 * for digests and hints.
 *
 * The corpus has images whose tables are not compressed, open to the fuzzer's
 * changes, and one of each compressor.
 */
#include "common/byte_stream.h"
#include "common/cleanup.h"
#include "index/index_file.h"
#include "index/squashfs_indexer.h"
#include "index/squashfs_super.h"
#include "tests/support/memory_stream.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int fd)
{
	CLEANUP(index_file_closep) struct index_file *index = NULL;

	assert(index_file_open(fd, &index, NULL) == 0);
	assert(index_file_check(index, NULL) == 0);
}

static void index_image(const struct squashfs_indexer_object *object,
			struct byte_stream *stream)
{
	const struct squashfs_indexer_options options = { .stream = stream };
	autoclose int fd = memfd_create("index", MFD_CLOEXEC);
	int r = squashfs_indexer_run(fd, object, &options, NULL);

	assert(r == 0 || r == -EPROTO || r == -EFBIG || r == -EINVAL ||
	       r == -ENOMEM || (stream && r == -EBADMSG));
	if (r == 0)
		check(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct byte_stream *stream;
	struct squashfs_indexer_object object = {
		.manifest = "{}",
		.manifest_size = 2,
		.config = "{}",
		.config_size = 2,
		.size = size,
		.head = data,
	};

	if (size < SQUASHFS_SUPER_SIZE ||
	    squashfs_super_parse(data, size, &object.super, NULL) < 0)
		return 0;
	object.tables = data + object.super.inode_table;
	digest_compute("{}", 2, &object.manifest_digest);
	index_image(&object, NULL);
	stream = memory_stream_create(data, size, 0);
	assert(stream);
	index_image(&object, stream);
	byte_stream_destroy(stream);
	return 0;
}
