/* SPDX-License-Identifier: Apache-2.0 */
#include "index/layer_span.h"

#include "common/error.h"
#include "common/sparse_window.h"
#include "index/layer_decoder.h"
#include "index/layer_input.h"
#include "index/span_memory.h"
#include "index/window_marker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int layer_span_take(struct layer_input *input, size_t size,
		    struct span_memory *memory, struct layer_span **ret,
		    struct error *err)
{
	struct layer_span *span = calloc(1, sizeof(*span));
	uint8_t *bytes = span_memory_take(memory, size);

	assert(size > 0 && size <= layer_input_size(input));
	if (!span || !bytes) {
		free(span);
		span_memory_give(bytes);
		return error_set(err, -ENOMEM,
				 "out of memory for %zu bytes of a layer",
				 size);
	}
	memcpy(bytes, layer_input_data(input), size);
	span->bytes = bytes;
	span->bytes_size = size;
	span->bytes_off = input->off;
	layer_input_consume(input, size);
	*ret = span;
	return 0;
}

void layer_span_destroy(struct layer_span *span)
{
	if (!span)
		return;
	if (span->raw != span->bytes)
		span_memory_give(span->raw);
	span_memory_give(span->bytes);
	free(span->window);
	free(span);
}

int layer_span_encode_window(const struct layer_span *span, void *ret_data)
{
	uint8_t sparse[SPARSE_WINDOW_SIZE_MAX];
	struct window_marker_span marked = {
		.stored_size = span->ref.stored_size,
		.start_bit = span->ref.start_bit,
		.window_size = span->window_size,
		.raw_size = span->ref.raw_size,
	};
	int r;

	if (!span->has_chunk || span->window_size == 0)
		return 0;
	assert(span->ref.codec == CODEC_DEFLATE_SPAN);
	assert(span->window_size <= sizeof(sparse));
	marked.stored = span->bytes + (span->ref.stored_off - span->bytes_off);
	r = window_marker_mark(&marked, sparse);
	if (r <= 0)
		return r;
	for (size_t i = 0; i < span->window_size; i++)
		sparse[i] &= span->window[i];
	return sparse_window_encode(sparse, span->window_size, ret_data,
				    CHUNK_WINDOW_SIZE_MAX);
}
