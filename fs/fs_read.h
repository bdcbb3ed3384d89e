/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_read: reads of files, from the chunks that hold their bytes.
 *
 * Threads: any number of readers; the rest of a parked read runs on the chunk
 * loader's workers.
 */
#include <stddef.h>
#include <stdint.h>

struct fs_context;
struct fuse_req;

enum {
	/* The largest read that is asked for, told the kernel at INIT.  A
	 * mount's readahead is 128 KiB, and raising it takes root, so more
	 * would change nothing (fuse.md section 1, "max_pages"). */
	FS_READ_SIZE_MAX = 128 << 10,
};

/**
 * fs_read_answer() - answer a read, now or when its chunks have come
 *
 * Never waits for the network.  At and past the end of the file the answer is
 * short or empty.  A read that touches more than
 * CHUNK_LOADER_REQUEST_CHUNKS_MAX chunks fails with EIO: spans of 2 KiB have
 * no place in an index.  @req must not be used afterwards.
 */
void fs_read_answer(struct fs_context *ctx, struct fuse_req *req,
		    uint32_t inode, uint64_t off, size_t size);

/**
 * fs_read_seek() - SEEK_DATA and SEEK_HOLE (lseek(2)) by the file's pieces
 * @whence: one of the two
 *
 * Return: the offset; -ENXIO past the end or past the last data, -EINVAL
 * (not a regular file), -EBADMSG.
 */
int64_t fs_read_seek(const struct fs_context *ctx, uint32_t inode, uint64_t off,
		     int whence);
