/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * layer_input: the bytes of a blob's stream that are at hand but not yet used,
 * always in one piece.
 *
 * Threads: one at a time; filling blocks as long as the stream does.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_stream;
struct error;

struct layer_input {
	struct byte_stream *stream; /* borrowed */
	uint8_t *data;		    /* owned */
	size_t capacity;
	size_t begin; /* first byte not yet used */
	size_t end;
	uint64_t off; /* of data[begin] in the blob */
	bool at_end;  /* the stream has no more */
};

/** layer_input_init() - an empty input; @stream must outlive it */
void layer_input_init(struct layer_input *input, struct byte_stream *stream);
void layer_input_fini(struct layer_input *input);

/**
 * layer_input_fill() - have @size bytes at hand, fewer only at the end
 *
 * Moves the bytes: pointers from layer_input_data() are void afterwards.
 *
 * Return: 0, -ENOMEM, or what the stream said.
 */
int layer_input_fill(struct layer_input *input, size_t size, struct error *err);

/** layer_input_data() - the bytes at hand; not before the first fill */
static inline const uint8_t *layer_input_data(const struct layer_input *input)
{
	assert(input->data);
	return input->data + input->begin;
}

/** layer_input_size() - how many bytes are at hand */
static inline size_t layer_input_size(const struct layer_input *input)
{
	return input->end - input->begin;
}

/** layer_input_consume() - @size bytes at hand have been used */
void layer_input_consume(struct layer_input *input, size_t size);

/** layer_input_unread() - @size bytes, the last ones used, come once more */
void layer_input_unread(struct layer_input *input, size_t size);
