/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * layer_stream: a layer of an image as a byte_stream that owns its source.
 */
#include <stdint.h>

struct byte_stream;
struct error;
struct image;

/** layer_stream_open() - 0, or image_open_layer()'s or -ENOMEM */
int layer_stream_open(struct image *image, uint32_t number,
		      struct byte_stream **ret, struct error *err);
