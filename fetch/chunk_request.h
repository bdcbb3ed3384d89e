/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_request: one caller's wish for some chunks, until it is answered.
 * Internal to the loader.
 *
 * Belongs to whoever made it until chunk_board_join(), then to the board (its
 * lock guards every field), then to the thread that finishes it.
 */
#include "fetch/chunk_loader.h"

#include "common/error.h"

struct chunk_flight;
struct chunk_request;
struct chunk_streamer;

/* One of a request's chunks, while it is in a flight. */
struct chunk_waiter {
	struct chunk_request *request;
	struct chunk_flight *flight; /* NULL: not waiting */
	struct chunk_waiter *prev;   /* in the flight's list */
	struct chunk_waiter *next;
};

struct chunk_request {
	chunk_loader_done_fn *done;
	void *arg;
	enum chunk_priority priority;
	int64_t deadline_ms; /* set when it is joined */
	size_t count;
	size_t missing; /* chunks[] that are NULL */
	int result;
	struct error err;
	/* of what was not at hand: the last such chunk, and bytes of all */
	uint32_t miss_number;
	uint32_t miss_blob;
	uint64_t miss_size;
	struct chunk_streamer *streamer; /* told of its end; NULL: nobody is */
	struct chunk_request *prev; /* in the board's list or an outcome's */
	struct chunk_request *next;
	uint32_t numbers[CHUNK_LOADER_REQUEST_CHUNKS_MAX];
	struct chunk *chunks[CHUNK_LOADER_REQUEST_CHUNKS_MAX]; /* owned */
	struct chunk_waiter waiters[CHUNK_LOADER_REQUEST_CHUNKS_MAX];
};

/** chunk_request_create() - NULL: no memory; 1 to ..._CHUNKS_MAX numbers */
struct chunk_request *chunk_request_create(const uint32_t *numbers,
					   size_t count,
					   enum chunk_priority priority,
					   chunk_loader_done_fn *done,
					   void *arg);

/** chunk_request_destroy() - without an answer; it waits for nothing */
void chunk_request_destroy(struct chunk_request *request);

/** chunk_request_give() - one of its chunks; takes a reference of its own */
void chunk_request_give(struct chunk_request *request, size_t index,
			struct chunk *chunk);

/** chunk_request_finish() - call its callback with what it has; destroy it */
void chunk_request_finish(struct chunk_request *request);
