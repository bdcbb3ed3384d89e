/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec.h"

#include "common/codec_deflate_span.h"

#include <errno.h>
#include <libdeflate.h>
#include <lz4.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* xz -9 needs 65 MiB; SquashFS dictionaries end at the block size, 1 MiB. */
enum { XZ_MEMORY_MAX = 80 << 20 };

struct codec_context {
	struct libdeflate_decompressor *deflate; /* NULL until first used */
	ZSTD_DCtx *zstd;			 /* NULL until first used */
	struct codec_deflate_span span;
};

struct codec_context *codec_context_create(void)
{
	return calloc(1, sizeof(struct codec_context));
}

void codec_context_destroy(struct codec_context *context)
{
	if (!context)
		return;
	libdeflate_free_decompressor(context->deflate);
	ZSTD_freeDCtx(context->zstd);
	codec_deflate_span_fini(&context->span);
	free(context);
}

static int prepare_deflate(struct codec_context *context)
{
	if (!context->deflate)
		context->deflate = libdeflate_alloc_decompressor();
	return context->deflate ? 0 : -ENOMEM;
}

static int decode_raw(const struct chunk_ref *ref, const void *stored,
		      void *ret_raw)
{
	if (ref->stored_size != ref->raw_size)
		return -EBADMSG;
	memcpy(ret_raw, stored, ref->raw_size);
	return 0;
}

static int decode_deflate_span(struct codec_context *context,
			       const struct chunk_ref *ref, const void *stored,
			       const void *window, void *ret_raw)
{
	int r = prepare_deflate(context);

	if (r < 0)
		return r;
	return codec_deflate_span_decode(&context->span, context->deflate, ref,
					 stored, window, ret_raw);
}

static int decode_zlib(struct codec_context *context,
		       const struct chunk_ref *ref, const void *stored,
		       void *ret_raw)
{
	size_t in_size;
	size_t out_size;
	int r = prepare_deflate(context);

	if (r < 0)
		return r;
	if (libdeflate_zlib_decompress_ex(
		    context->deflate, stored, ref->stored_size, ret_raw,
		    ref->raw_size, &in_size, &out_size) != LIBDEFLATE_SUCCESS)
		return -EBADMSG;
	return in_size == ref->stored_size && out_size == ref->raw_size
		       ? 0
		       : -EBADMSG;
}

static int decode_zstd(struct codec_context *context,
		       const struct chunk_ref *ref, const void *stored,
		       void *ret_raw)
{
	size_t r;

	if (!context->zstd)
		context->zstd = ZSTD_createDCtx();
	if (!context->zstd)
		return -ENOMEM;
	r = ZSTD_decompressDCtx(context->zstd, ret_raw, ref->raw_size, stored,
				ref->stored_size);
	return r == ref->raw_size ? 0 : -EBADMSG;
}

static int decode_xz(const struct chunk_ref *ref, const void *stored,
		     void *ret_raw)
{
	uint64_t memory_max = XZ_MEMORY_MAX;
	size_t in_off = 0;
	size_t out_off = 0;
	lzma_ret r;

	r = lzma_stream_buffer_decode(&memory_max, 0, NULL, stored, &in_off,
				      ref->stored_size, ret_raw, &out_off,
				      ref->raw_size);
	if (r == LZMA_MEM_ERROR)
		return -ENOMEM;
	return r == LZMA_OK && in_off == ref->stored_size &&
			       out_off == ref->raw_size
		       ? 0
		       : -EBADMSG;
}

static int decode_lz4(const struct chunk_ref *ref, const void *stored,
		      void *ret_raw)
{
	int r = LZ4_decompress_safe(stored, ret_raw, (int)ref->stored_size,
				    (int)ref->raw_size);

	return r >= 0 && (uint32_t)r == ref->raw_size ? 0 : -EBADMSG;
}

/* What chunk_table_get() promises, for whoever made @ref some other way */
static bool has_sane_sizes(const struct chunk_ref *ref)
{
	return ref->stored_size >= 1 &&
	       ref->stored_size <= CHUNK_STORED_SIZE_MAX &&
	       ref->raw_size <= CHUNK_RAW_SIZE_MAX &&
	       ref->window_size <= CHUNK_WINDOW_SIZE_MAX;
}

int codec_decode(struct codec_context *context, const struct chunk_ref *ref,
		 const void *stored, const void *window, void *ret_raw)
{
	if (!has_sane_sizes(ref))
		return -EBADMSG;
	switch (ref->codec) {
	case CODEC_RAW:
		return decode_raw(ref, stored, ret_raw);
	case CODEC_DEFLATE_SPAN:
		return decode_deflate_span(context, ref, stored, window,
					   ret_raw);
	case CODEC_ZLIB:
		return decode_zlib(context, ref, stored, ret_raw);
	case CODEC_ZSTD:
		return decode_zstd(context, ref, stored, ret_raw);
	case CODEC_XZ:
		return decode_xz(ref, stored, ret_raw);
	case CODEC_LZ4:
		return decode_lz4(ref, stored, ret_raw);
	}
	return -ENOTSUP;
}
