/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_super.h"

#include "common/error.h"
#include "common/le.h"

#include <errno.h>
#include <string.h>

enum {
	INODE_COUNT = 4,
	BLOCK_SIZE = 12,
	FRAGMENT_COUNT = 16,
	COMPRESSOR = 20,
	BLOCK_LOG = 22,
	ID_COUNT = 26,
	MAJOR = 28,
	MINOR = 30,
	ROOT_INODE = 32,
	BYTES_USED = 40,
	ID_TABLE = 48,
	XATTR_TABLE = 56,
	INODE_TABLE = 64,
	DIRECTORY_TABLE = 72,
	FRAGMENT_TABLE = 80,
	EXPORT_TABLE = 88,
};

static const struct {
	const char *name;
	int codec; /* -1: none of ours */
} compressors[] = {
	{ "none", -1 },		{ "gzip", CODEC_ZLIB }, { "lzma", -1 },
	{ "lzo", -1 },		{ "xz", CODEC_XZ },	{ "lz4", CODEC_LZ4 },
	{ "zstd", CODEC_ZSTD },
};

enum { COMPRESSOR_COUNT = sizeof(compressors) / sizeof(compressors[0]) };

const char *squashfs_super_compressor_name(uint16_t compressor)
{
	return compressor < COMPRESSOR_COUNT ? compressors[compressor].name
					     : "unknown";
}

bool squashfs_super_is_magic(const void *bytes, size_t size)
{
	return size >= 4 &&
	       (memcmp(bytes, "hsqs", 4) == 0 || memcmp(bytes, "sqsh", 4) == 0);
}

static int check_version(const uint8_t *bytes, struct error *err)
{
	unsigned major = le_load16(bytes + MAJOR);
	unsigned minor = le_load16(bytes + MINOR);

	if (!squashfs_super_is_magic(bytes, 4))
		return error_set(err, -EPROTO,
				 "no SquashFS file system is where one is to "
				 "be; copy the file anew");
	if (bytes[0] == 's')
		return error_set(err, -ENOTSUP,
				 "SquashFS with its bytes in big-endian order "
				 "(version 3 or older); make it anew with "
				 "mksquashfs 4 or later");
	if (major != 4 || minor != 0)
		return error_set(
			err, -ENOTSUP,
			"SquashFS version %u.%u; only 4.0 can be read: "
			"make it anew with mksquashfs 4 or later",
			major, minor);
	return 0;
}

static int load_compressor(struct squashfs_super *super, struct error *err)
{
	if (super->compressor < COMPRESSOR_COUNT &&
	    compressors[super->compressor].codec >= 0) {
		super->codec = (enum codec)compressors[super->compressor].codec;
		return 0;
	}
	return error_set(err, -ENOTSUP,
			 "the SquashFS file system is compressed by %s (%u), "
			 "which cannot be read; make it anew with gzip, zstd, "
			 "xz or lz4",
			 squashfs_super_compressor_name(super->compressor),
			 super->compressor);
}

static bool is_table(uint64_t off)
{
	return off != SQUASHFS_SUPER_NO_TABLE;
}

/* Tables come in a fixed order, as the kernel insists too; those that may be
 * missing are skipped.  @*end: where the one before starts */
static bool follows(uint64_t off, bool is_optional, uint64_t *end)
{
	if (is_optional && !is_table(off))
		return true;
	if (off < *end)
		return false;
	*end = off;
	return true;
}

static int check_places(const struct squashfs_super *super, uint64_t size_max,
			struct error *err)
{
	uint64_t end = SQUASHFS_SUPER_SIZE;

	if (super->bytes_used > size_max)
		return error_set(
			err, -EPROTO,
			"truncated: the SquashFS file system has %llu "
			"bytes, of which %llu are there; copy the file "
			"anew",
			(unsigned long long)super->bytes_used,
			(unsigned long long)size_max);
	if (!follows(super->inode_table, false, &end) ||
	    !follows(super->directory_table, false, &end) ||
	    super->directory_table == super->inode_table ||
	    !follows(super->fragment_table, true, &end) ||
	    !follows(super->export_table, true, &end) ||
	    !follows(super->id_table, false, &end) ||
	    !follows(super->xattr_table, true, &end) ||
	    end >= super->bytes_used)
		return error_set(err, -EPROTO,
				 "the SquashFS superblock is damaged: its "
				 "tables are not where they can be; copy the "
				 "file anew");
	if (super->bytes_used - super->inode_table >
	    SQUASHFS_SUPER_TABLES_SIZE_MAX)
		return error_set(err, -EFBIG,
				 "the tables of the SquashFS file system take "
				 "over %d MiB",
				 SQUASHFS_SUPER_TABLES_SIZE_MAX >> 20);
	return 0;
}

static int check_counts(const struct squashfs_super *super, unsigned block_log,
			struct error *err)
{
	if (block_log < 12 || block_log > 20 ||
	    super->block_size != 1U << block_log || super->id_count == 0 ||
	    super->inode_count == 0 ||
	    super->fragment_count > super->inode_count ||
	    (super->fragment_count && !is_table(super->fragment_table)))
		return error_set(err, -EPROTO,
				 "the SquashFS superblock is damaged: its "
				 "numbers contradict each other; copy the file "
				 "anew");
	if (super->inode_count > SQUASHFS_SUPER_INODE_COUNT_MAX)
		return error_set(err, -EFBIG,
				 "the SquashFS file system has %u files; at "
				 "most %d are supported",
				 super->inode_count,
				 SQUASHFS_SUPER_INODE_COUNT_MAX);
	return 0;
}

int squashfs_super_parse(const void *bytes, uint64_t size_max,
			 struct squashfs_super *ret, struct error *err)
{
	const uint8_t *at = bytes;
	struct squashfs_super super = {
		.inode_count = le_load32(at + INODE_COUNT),
		.fragment_count = le_load32(at + FRAGMENT_COUNT),
		.block_size = le_load32(at + BLOCK_SIZE),
		.compressor = le_load16(at + COMPRESSOR),
		.id_count = le_load16(at + ID_COUNT),
		.root_inode = le_load64(at + ROOT_INODE),
		.bytes_used = le_load64(at + BYTES_USED),
		.inode_table = le_load64(at + INODE_TABLE),
		.directory_table = le_load64(at + DIRECTORY_TABLE),
		.fragment_table = le_load64(at + FRAGMENT_TABLE),
		.export_table = le_load64(at + EXPORT_TABLE),
		.id_table = le_load64(at + ID_TABLE),
		.xattr_table = le_load64(at + XATTR_TABLE),
	};
	int r = check_version(at, err);

	if (r == 0)
		r = load_compressor(&super, err);
	if (r == 0)
		r = check_counts(&super, le_load16(at + BLOCK_LOG), err);
	if (r == 0)
		r = check_places(&super, size_max, err);
	if (r == 0)
		*ret = super;
	return r;
}

uint64_t squashfs_super_decoded_size_max(uint64_t stored_size)
{
	return stored_size / 3 * 8192 + 8192;
}
