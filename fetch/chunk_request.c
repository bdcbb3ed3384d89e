/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_request.h"

#include "fetch/chunk_streamer.h"

#include <assert.h>
#include <string.h>

struct chunk_request *chunk_request_create(const uint32_t *numbers,
					   size_t count,
					   enum chunk_priority priority,
					   chunk_loader_done_fn *done,
					   void *arg)
{
	struct chunk_request *request = calloc(1, sizeof(*request));

	assert(count > 0 && count <= CHUNK_LOADER_REQUEST_CHUNKS_MAX);
	if (!request)
		return NULL;
	request->done = done;
	request->arg = arg;
	request->priority = priority;
	request->count = count;
	request->missing = count;
	memcpy(request->numbers, numbers, count * sizeof(*numbers));
	for (size_t i = 0; i < count; i++)
		request->waiters[i].request = request;
	return request;
}

void chunk_request_destroy(struct chunk_request *request)
{
	if (!request)
		return;
	for (size_t i = 0; i < request->count; i++) {
		assert(!request->waiters[i].flight);
		chunk_unref(request->chunks[i]);
	}
	free(request);
}

void chunk_request_give(struct chunk_request *request, size_t index,
			struct chunk *chunk)
{
	assert(index < request->count && request->missing > 0);
	assert(!request->chunks[index]);
	assert(chunk->number == request->numbers[index]);
	request->chunks[index] = chunk_ref(chunk);
	request->missing--;
}

void chunk_request_finish(struct chunk_request *request)
{
	int result = request->result;

	assert(result < 0 || request->missing == 0);
	if (request->streamer)
		chunk_streamer_end_wait(request->streamer, request->miss_blob,
					result == 0);
	request->done(request->arg, result, result < 0 ? NULL : request->chunks,
		      result < 0 ? 0 : request->count, &request->err);
	chunk_request_destroy(request);
}
