/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_attr.h"

#include "fs/fs_server.h"
#include "index/index_file.h"

#include <assert.h>
#include <sys/sysmacros.h>

enum {
	STAT_BLOCK_SIZE = 512, /* the unit of st_blocks, stat(2) */
	/* What stdio and Python take as their buffer's size: a page, as on
	 * ext4.  More would only cost them memory, the kernel reads ahead. */
	IO_BLOCK_SIZE = 4096,
};

void fs_attr_fill(const struct index_inode *inode,
		  const struct fs_server_options *options, struct stat *ret)
{
	struct timespec mtime = {
		.tv_sec = inode->mtime_s,
		.tv_nsec = inode->mtime_ns,
	};
	uint64_t blocks = inode->size / STAT_BLOCK_SIZE +
			  (inode->size % STAT_BLOCK_SIZE != 0);

	assert(inode->number != 0);
	*ret = (struct stat){
		.st_ino = inode->number,
		.st_mode = inode->mode,
		.st_nlink = inode->nlink,
		.st_uid = options->map_ids ? options->uid : inode->uid,
		.st_gid = options->map_ids ? options->gid : inode->gid,
		.st_rdev = makedev(inode->rdev_major, inode->rdev_minor),
		.st_size = (off_t)inode->size,
		.st_blocks = (blkcnt_t)blocks,
		.st_blksize = IO_BLOCK_SIZE,
		.st_atim = mtime,
		.st_mtim = mtime,
		.st_ctim = mtime,
	};
}
