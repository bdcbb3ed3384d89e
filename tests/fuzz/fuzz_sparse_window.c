/* SPDX-License-Identifier: Apache-2.0 */
/* The input is an encoded window; what decodes must survive a round trip. */
#include "common/sparse_window.h"

#include "common/chunk_ref.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t window[SPARSE_WINDOW_SIZE_MAX];
	static uint8_t again[SPARSE_WINDOW_SIZE_MAX];
	static uint8_t encoded[CHUNK_WINDOW_SIZE_MAX];
	int window_size = sparse_window_decode(data, size, window);
	int r;

	if (window_size <= 0)
		return 0;
	r = sparse_window_encode(window, (size_t)window_size, encoded,
				 sizeof(encoded));
	if (r <= 0 ||
	    sparse_window_decode(encoded, (size_t)r, again) != window_size ||
	    memcmp(window, again, (size_t)window_size) != 0)
		abort();
	return 0;
}
