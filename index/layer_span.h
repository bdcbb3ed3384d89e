/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * layer_span: how the parts of the layer decoder make a struct layer_span,
 * which layer_decoder.h describes.
 */
#include <stddef.h>

struct error;
struct layer_input;
struct layer_span;
struct span_memory;

/**
 * layer_span_take() - a span of the input's next bytes, without a chunk
 * @size:   1 to what is at hand; they are used up
 * @memory: where the span's copy of them is put, or NULL
 *
 * Return: 0, -ENOMEM.
 */
int layer_span_take(struct layer_input *input, size_t size,
		    struct span_memory *memory, struct layer_span **ret,
		    struct error *err);
