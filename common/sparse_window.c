/* SPDX-License-Identifier: Apache-2.0 */
#include "common/sparse_window.h"

#include <assert.h>
#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

/* Level 6 is 4 % smaller, for 90 us more each, and 9 another 2 %: not worth the
 * time of indexing. */
enum { ZSTD_LEVEL = 3 };

int sparse_window_encode(const void *window, size_t size, void *ret_data,
			 size_t ret_capacity)
{
	size_t r;

	assert(size > 0 && size <= SPARSE_WINDOW_SIZE_MAX);
	assert(ret_capacity >= ZSTD_COMPRESSBOUND(size));
	r = ZSTD_compress(ret_data, ret_capacity, window, size, ZSTD_LEVEL);
	/* Neither its arguments nor the room can be wrong. */
	return ZSTD_isError(r) ? -ENOMEM : (int)r;
}

int sparse_window_decode(const void *data, size_t size, void *ret_window)
{
	unsigned long long window_size = ZSTD_getFrameContentSize(data, size);
	size_t r;

	/* The two error values are far above the limit. */
	if (window_size == 0 || window_size > SPARSE_WINDOW_SIZE_MAX)
		return -EBADMSG;
	if (ZSTD_findFrameCompressedSize(data, size) != size)
		return -EBADMSG;
	r = ZSTD_decompress(ret_window, (size_t)window_size, data, size);
	if (ZSTD_isError(r))
		return ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation
			       ? -ENOMEM
			       : -EBADMSG;
	return r == window_size ? (int)r : -EBADMSG;
}
