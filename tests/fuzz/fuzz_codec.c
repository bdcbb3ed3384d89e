/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a chunk reference (12 bytes), an encoded window and the stored
 * bytes.  Sizes in the reference are not always those of the buffers' content,
 * but always within what codec_decode() may touch.
 */
#include "common/codec.h"

#include "common/le.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_SIZE = 12, RAW_SIZE_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *copy(const uint8_t *data, size_t size)
{
	/* Of the exact size, so that ASAN sees one byte too many. */
	uint8_t *bytes = malloc(size ? size : 1);

	if (!bytes)
		abort();
	memcpy(bytes, data, size);
	return bytes;
}

static void decode(const struct chunk_ref *ref, const uint8_t *window,
		   const uint8_t *stored)
{
	struct codec_context *context = codec_context_create();
	uint8_t *raw = malloc(ref->raw_size + 1);
	int r;

	if (!context || !raw)
		abort();
	r = codec_decode(context, ref, stored, window, raw);
	if (r != 0 && r != -EBADMSG && r != -ENOTSUP)
		abort();
	codec_context_destroy(context);
	free(raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chunk_ref ref = { 0 };
	uint8_t *window;
	uint8_t *stored;

	if (size < HEADER_SIZE)
		return 0;
	ref.codec = (enum codec)(data[0] % 7);
	ref.start_bit = data[1] % 9;
	ref.end_bit = data[2] % 10;
	ref.raw_size = le_load32(data + 4) % RAW_SIZE_MAX;
	ref.window_size = le_load32(data + 8) % (CHUNK_WINDOW_SIZE_MAX + 2);
	data += HEADER_SIZE;
	size -= HEADER_SIZE;
	if (ref.window_size > size)
		ref.window_size = 0;
	ref.stored_size = (uint32_t)(size - ref.window_size);
	window = copy(data, ref.window_size);
	stored = copy(data + ref.window_size, ref.stored_size);
	decode(&ref, ref.window_size ? window : NULL, stored);
	free(window);
	free(stored);
	return 0;
}
