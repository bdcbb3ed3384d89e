/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_streams: how many places of the image's files are read on and on at the
 * same time.
 *
 * One reader keeps two requests waiting, as four do, so the queue does not
 * tell them apart; what they read does.
 *
 * Threads: any; a lock of its own.
 */
#include "common/thread.h"

#include <stddef.h>
#include <stdint.h>

enum {
	FS_STREAMS_MAX = 8,
	/* A start reads many files, none of them so far. */
	FS_STREAMS_RUN_MIN = 1 << 20,
	/* Nor does who reads one file after the other come back to the first.
	 */
	FS_STREAMS_RETURNS_MIN = 4,
	/* The kernel's two requests may change places. */
	FS_STREAMS_GAP_MAX = 512 << 10,
	/* Who has not read for so long does not keep anybody busy. */
	FS_STREAMS_PAUSE_MAX_MS = 20,
};

struct fs_stream {
	uint64_t end; /* of what was read of the file */
	uint64_t run; /* bytes, one after the other */
	int64_t seen_ms;
	uint32_t inode;	  /* 0: none */
	unsigned returns; /* reads of it that followed a read of another */
};

struct fs_streams {
	struct mutex lock;
	struct fs_stream streams[FS_STREAMS_MAX] GUARDED;
	const struct fs_stream *last GUARDED; /* that was read */
};

void fs_streams_init(struct fs_streams *streams);
void fs_streams_fini(struct fs_streams *streams);

/**
 * fs_streams_note() - a read was answered
 * @now_ms: on clock_ms()'s clock
 *
 * Return: how many streams have gone on for FS_STREAMS_RUN_MIN, in turn with
 * others, and were read within the last FS_STREAMS_PAUSE_MAX_MS; at most
 * FS_STREAMS_MAX.
 */
unsigned fs_streams_note(struct fs_streams *streams, uint32_t inode,
			 uint64_t off, size_t size, int64_t now_ms)
	EXCLUDES(streams->lock);
