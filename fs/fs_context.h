/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_context: what the answers to requests are made from.
 *
 * Held by struct fs_server, handed to every operation as libfuse's userdata.
 *
 * Threads: index, loader and options do not change while requests are
 * answered; counters are atomic (relaxed: they order nothing); fs_park,
 * fs_passthrough, fs_streams and log_rate see to themselves.
 */
#include "common/log.h"
#include "fs/fs_park.h"
#include "fs/fs_passthrough.h"
#include "fs/fs_server.h"
#include "fs/fs_streams.h"

#include <stdint.h>

/* The read that failed last.  Atomic, relaxed: a line of the log more or less
 * does not matter. */
struct fs_last_failure {
	uint32_t inode;
	uint64_t off;
	uint64_t size; /* 0: none yet */
	int64_t at_ms;
};

struct fs_context {
	const struct index_file *index; /* borrowed */
	struct chunk_loader *loader;	/* borrowed */
	struct fs_server_options options;
	bool has_xattrs;		    /* fs_xattr_exist() */
	struct fs_server_counters counters; /* fs_context_count() */
	struct log_rate failure_rate;
	struct fs_last_failure last_failure;
	struct fs_park park;
	int fuse_fd; /* the session's; for fs_passthrough */
	struct fs_passthrough passthrough;
	struct fs_streams streams; /* reads that were answered at once */
	unsigned stream_count;	   /* how many go on now; atomic, relaxed */
};

static inline void fs_context_count(uint64_t *counter, uint64_t amount)
{
	__atomic_fetch_add(counter, amount, __ATOMIC_RELAXED);
}

/* libfuse's inode number as the index's; 0, which is never valid, if none */
static inline uint32_t fs_context_inode(uint64_t number)
{
	return number <= UINT32_MAX ? (uint32_t)number : 0;
}
