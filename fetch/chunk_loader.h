/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_loader: turns chunk numbers into verified, decoded bytes.
 *
 * The one door between fs/ and the network: memory, then the node's cache,
 * then the blob's range_source, then digest check, decode, cache fill.
 * Concurrent requests for a chunk share one flight, in the process and (by
 * the cache's claims) on the node.  Neighbours that are wanted or predicted
 * go into one range of up to request_size_max.
 *
 * Chunks without a digest (SIF files nobody has indexed) are accepted when
 * their own decoder accepts them, and never stored under a content key.
 *
 * Threads: any function from any thread.  Callbacks run on the loader's own
 * threads, or on the caller's where chunk_loader_request() says so; they must
 * not block for long and not call chunk_loader_get() or destroy.
 * See docs/threading.md.
 */
#include "common/chunk_ref.h"
#include "common/cleanup.h"
#include "fetch/chunk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_cache;
struct chunk_link;
struct chunk_loader;
struct chunk_touches;
struct error;
struct range_source;

/* In the order in which they overtake each other. */
enum chunk_priority {
	CHUNK_DEMAND,	  /* somebody waits in read(2) */
	CHUNK_READ_AHEAD, /* somebody will, very likely */
	CHUNK_PROFILE,	  /* an earlier run did */
	CHUNK_FILL,	  /* background */
};

enum {
	CHUNK_LOADER_FOUND = 0,
	CHUNK_LOADER_ABSENT = 1,
	CHUNK_LOADER_REQUEST_CHUNKS_MAX = 64, /* per chunk_loader_request() */
};

struct chunk_loader_options {
	size_t memory_size; /* decoded chunks kept; 0: 24 MiB */
	/* stored bytes in flight: on a near link; 0: 16 MiB */
	size_t flight_size_max;
	/* on a long one, as fetch/chunk_pace.h says; 0: the same */
	size_t flight_size_wide;
	/* for a profile, which comes when memory is still empty; 0: as for
	 * others */
	size_t profile_flight_size;
	size_t request_size_max;	 /* bytes of one range; 0: 2 MiB */
	size_t profile_request_size_max; /* of one for a profile; 0: 4 MiB */
	size_t gap_size_max;		 /* unwanted bytes fetched to join two
					    neighbours; 0: 64 KiB */
	unsigned requests_max;		 /* ranges in flight; 0: 8 */
	/* of a profile: each on a connection of its own, so that what a program
	 * needs first does not wait for one connection's slow start; 0: as for
	 * others */
	unsigned profile_requests_max;
	/* verify and decode what readers want; half as many more for the rest,
	 * in the background; 0: one per core, <= 4 */
	unsigned worker_count;
	int64_t deadline_ms; /* for a demand, from its start; 0: 120000 */
	unsigned read_ahead_requests; /* kept in flight ahead of a sequential
					 reader; 0: 4 */
	/* Fetch the rest of a blob as a stream once readers have waited for a
	 * good part of the time that takes (fetch/chunk_streamer.h); needs a
	 * cache and get_link. */
	bool may_stream;
	/* told of every chunk that is read; borrowed; NULL: none.  Where it
	 * expects a read, nothing is read ahead. */
	struct chunk_touches *touches;
	/* tells what is known of the link; any thread, must not block, is
	 * called as long as sources answer; NULL: nothing is */
	void (*get_link)(void *arg, struct chunk_link *ret);
	void *link_arg;
};

/* Atomic, relaxed: read them at any time.  Bytes are stored bytes. */
struct chunk_loader_counters {
	uint64_t memory_hits;
	uint64_t cache_hits; /* chunks read from the node's cache */
	uint64_t fetched_chunks;
	uint64_t fetched_bytes;	 /* received from sources */
	uint64_t fetched_ranges; /* range_source_fetch() calls */
	uint64_t flights_joined; /* requests that found their chunk in flight */
	uint64_t node_waits;	 /* chunks another process was fetching */
	uint64_t bad_digests;
	uint64_t failed_chunks;
	uint64_t cache_store_failures;
	uint64_t read_ahead_chunks;
	uint64_t streamed_chunks; /* chunk_streamer.h */
};

/**
 * chunk_loader_create() - a loader for one image
 * @table:   all chunks; borrowed
 * @sources: one per blob, in the table's order; borrowed
 * @cache:   NULL: none; borrowed
 *
 * Threads are started by the first chunk that is not at hand.
 *
 * Return: 0 or -ENOMEM.
 */
int chunk_loader_create(const struct chunk_table *table,
			struct range_source *const *sources,
			uint32_t source_count, struct chunk_cache *cache,
			const struct chunk_loader_options *options,
			struct chunk_loader **ret, struct error *err);

/**
 * chunk_loader_destroy() - fail what waits (-ECANCELED), join, free
 *
 * Does not wait for the network: ranges still in flight are answered into the
 * void.  Chunks that callers hold stay valid.  Call it before the sources, the
 * cache and the table go away; those who wait in chunk_loader_get() are woken.
 */
void chunk_loader_destroy(struct chunk_loader *loader);
DEFINE_CLEANUP(struct chunk_loader, chunk_loader_destroy);

/**
 * chunk_loader_load() - a chunk from memory or the node's cache, no network
 * @ret: a reference the caller owns
 *
 * Blocks on the local disk at most.  Return: CHUNK_LOADER_FOUND,
 * CHUNK_LOADER_ABSENT, or -EINVAL (no such number), -EBADMSG (the index is
 * damaged), -ENOMEM.
 */
int chunk_loader_load(struct chunk_loader *loader, uint32_t number,
		      struct chunk **ret);

/**
 * chunk_loader_has() - whether chunk_loader_load() is likely to find a chunk
 *
 * Looks for it in memory, then for its file in the node's cache, whose content
 * it does not check.  Blocks on the local disk.
 */
bool chunk_loader_has(struct chunk_loader *loader, uint32_t number);

/*
 * @result: 0 with @count references in @chunks, in the order of the request's
 * numbers (borrowed for the call; take your own with chunk_ref()), or, with
 * @err naming chunk, offset, why:
 *   -EBADMSG    wrong bytes, three times; or the index is damaged
 *   -ETIMEDOUT  the deadline passed
 *   -EIO        every source failed: refused, not there, broken; @err says
 *   -ENOMEM
 *   -ECANCELED  the loader, or the source, is being destroyed
 */
typedef void chunk_loader_done_fn(void *arg, int result,
				  struct chunk *const *chunks, size_t count,
				  const struct error *err);

/**
 * chunk_loader_request() - some chunks, later
 * @numbers: up to CHUNK_LOADER_REQUEST_CHUNKS_MAX of them
 *
 * Reads from the node's cache in the caller; never blocks on the network.
 * @done runs once: before the call returns when all chunks are at hand (or the
 * index is damaged), else on a thread of the loader's, possibly before the call
 * has returned, too.
 *
 * Return: 0, or -EINVAL (count, number), -ENOMEM (memory, or 16384 chunks in
 * flight), -EAGAIN (no threads), -ECANCELED, and @done will not be called.
 */
int chunk_loader_request(struct chunk_loader *loader, const uint32_t *numbers,
			 size_t count, enum chunk_priority priority,
			 chunk_loader_done_fn *done, void *arg);

/**
 * chunk_loader_get() - one chunk, waited for
 * @ret: a reference the caller owns; untouched on failure
 *
 * Return: 0 or as chunk_loader_done_fn's result.
 */
int chunk_loader_get(struct chunk_loader *loader, uint32_t number,
		     struct chunk **ret, struct error *err);

/**
 * chunk_loader_prefetch() - have chunks in the cache (not in memory), later
 *
 * Without a cache (or a digest to name them by) they go to memory.  Dropped
 * silently when the queue (4096 chunks) is full or they are at hand; failures
 * are counted only.
 */
void chunk_loader_prefetch(struct chunk_loader *loader, uint32_t first,
			   uint32_t count, enum chunk_priority priority);

/**
 * chunk_loader_prefetch_many() - the same for any chunks, all at once
 *
 * Ranges are planned when all of them are queued, so that neighbours travel
 * together; otherwise in the order given.
 */
void chunk_loader_prefetch_many(struct chunk_loader *loader,
				const uint32_t *numbers, uint32_t count,
				enum chunk_priority priority);

/* Chunks that follow each other. */
struct chunk_loader_run {
	uint32_t first;
	uint32_t count;
};

/**
 * chunk_loader_prefetch_runs() - the same, and no range has chunks of two runs
 *
 * For who has planned the ranges: those of one run go into one, as long as it
 * is within the limits and the others do not come from elsewhere.
 */
void chunk_loader_prefetch_runs(struct chunk_loader *loader,
				const struct chunk_loader_run *runs,
				size_t run_count, enum chunk_priority priority);

/** chunk_loader_is_at_hand() - in memory, on its way, or a file of the cache */
bool chunk_loader_is_at_hand(struct chunk_loader *loader, uint32_t number);

/** chunk_loader_count_queued() - prefetches that no range was started for */
size_t chunk_loader_count_queued(struct chunk_loader *loader,
				 enum chunk_priority priority);

/** chunk_loader_drop_queued() - forget those */
void chunk_loader_drop_queued(struct chunk_loader *loader,
			      enum chunk_priority priority);

/**
 * chunk_loader_note_read() - tell of a read, so that read-ahead can grow
 * @stream:       whose read: an inode number, say
 * @first, @count: chunks that the read touches
 * @last_of_file: nothing behind this chunk is fetched
 *
 * A reader that goes on where it left off is given read_ahead_requests ranges
 * ahead, growing from one; one that jumps loses them.
 */
void chunk_loader_note_read(struct chunk_loader *loader, uint64_t stream,
			    uint32_t first, uint32_t count,
			    uint32_t last_of_file);

/**
 * chunk_loader_look_ahead() - check a little of what a reader comes to next
 *
 * For who told of his reads, between them: what the cache has of the next
 * chunks is then checked when he wants it.  Takes some ten microseconds.
 *
 * Return: whether there was something to do; then call it again, unless there
 * is something better.
 */
bool chunk_loader_look_ahead(struct chunk_loader *loader);

void chunk_loader_get_counters(struct chunk_loader *loader,
			       struct chunk_loader_counters *ret);
