/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_read_ahead: notices who reads on and on, and says what to fetch next.
 *
 * A small table of streams: runs of reads in a file, several for a file that
 * several readers, or one who jumps about, read; the least recently seen gives
 * way.  A stream that goes on where it left off, thrice, gets a window of a
 * sixteenth of a request, which doubles with each chunk it finishes, up to
 * requests_max requests, and further on a long link.  The window is refilled
 * when half of it, or a request, has been used up, so that what is fetched
 * ahead travels in large ranges.
 *
 * Who jumps begins anew, and what he read before the jump is what he is then
 * expected to read: a program that maps tensors of a large file reads each
 * from end to end, and what lies behind them in vain.  A window ends there,
 * until the reader has gone past it.  So it does in the next file, which he has
 * not read before (the model's next shard), until one is read further.
 *
 * Threads: any; a lock of its own, held over reads of the (immutable) chunk
 * table only.
 */
#include "common/thread.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_table;

enum {
	CHUNK_READ_AHEAD_STREAMS = 16,
	CHUNK_READ_AHEAD_STREAMS_OF_ONE = 8, /* of one file at most */
	/* Raw bytes of the next chunks, or one chunk, and how many they are at
	 * most: those of several readers must fit into the loader's memory. */
	CHUNK_READ_AHEAD_NEXT_SIZE = 1 << 20,
	CHUNK_READ_AHEAD_NEXT_MAX = 4,
	/* Chunks in a row before that: a program's start reads a few of many
	 * libraries, and would pay for the next one in vain. */
	CHUNK_READ_AHEAD_NEXT_STEPS = 8,
	/* of one chunk; a larger one would push out what others read */
	CHUNK_READ_AHEAD_NEXT_CHUNK_MAX = 2 << 20,
};

struct chunk_read_ahead_stream {
	uint64_t id;
	uint64_t seen;		/* when, in calls; 0: this place is free */
	uint32_t last;		/* chunk that the latest read ended in */
	uint32_t ahead_end;	/* behind the last chunk asked for */
	unsigned steps;		/* chunks finished in a row */
	size_t window;		/* bytes; 0: not sequential so far */
	uint64_t size;		/* stored bytes read on */
	uint64_t expected_size; /* of the run before it; 0: none was */
	bool is_guess;		/* that was a run of another file */
};

struct chunk_read_ahead {
	/* immutable */
	const struct chunk_table *table;
	size_t request_size;
	unsigned requests_max;

	struct mutex lock;
	/* -- protected by lock */
	uint64_t calls GUARDED;
	size_t wide GUARDED;	    /* see chunk_read_ahead_widen() */
	uint64_t short_run GUARDED; /* stored bytes of the latest run that was
				     * left for another of its file; 0: none */
	struct chunk_read_ahead_stream
		streams[CHUNK_READ_AHEAD_STREAMS] GUARDED;
};

/* Chunks to prefetch, and those that the reader comes to next, which are to be
 * checked by then; nothing where a count is 0. */
struct chunk_read_ahead_range {
	uint32_t first;
	uint32_t count;
	uint32_t next_first;
	uint32_t next_count;
};

/**
 * chunk_read_ahead_init()
 * @table:        borrowed
 * @request_size: stored bytes of one request
 * @requests_max: largest window; 0 switches read-ahead off
 */
void chunk_read_ahead_init(struct chunk_read_ahead *ahead,
			   const struct chunk_table *table, size_t request_size,
			   unsigned requests_max);
void chunk_read_ahead_fini(struct chunk_read_ahead *ahead);

/**
 * chunk_read_ahead_widen() - on a long link, read further ahead
 * @size: bytes; what requests_max allows is always allowed
 *
 * Beyond that a window grows by what its reader reads, no longer by doubling:
 * who has read much will, likely, go on.
 */
void chunk_read_ahead_widen(struct chunk_read_ahead *ahead, size_t size)
	EXCLUDES(ahead->lock);

/**
 * chunk_read_ahead_note() - a stream reads @count chunks from @first on
 * @last_of_file: nothing behind this chunk is asked for
 *
 * Return: what to prefetch now.
 */
struct chunk_read_ahead_range chunk_read_ahead_note(
	struct chunk_read_ahead *ahead, uint64_t stream, uint32_t first,
	uint32_t count, uint32_t last_of_file) EXCLUDES(ahead->lock);
