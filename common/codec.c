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
	uint8_t *prefix; /* CHUNK_PREFIX_SIZE_MAX; NULL until first used */
};

/* Where decoded bytes go. */
struct room {
	uint8_t *data;
	size_t size_max;
	size_t size; /* of what was decoded */
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
	free(context->prefix);
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
		       struct room *room)
{
	size_t in_size;
	int r = prepare_deflate(context);

	if (r < 0)
		return r;
	if (libdeflate_zlib_decompress_ex(context->deflate, stored,
					  ref->stored_size, room->data,
					  room->size_max, &in_size,
					  &room->size) != LIBDEFLATE_SUCCESS)
		return -EBADMSG;
	return in_size == ref->stored_size ? 0 : -EBADMSG;
}

static int decode_zstd(struct codec_context *context,
		       const struct chunk_ref *ref, const void *stored,
		       struct room *room)
{
	if (!context->zstd)
		context->zstd = ZSTD_createDCtx();
	if (!context->zstd)
		return -ENOMEM;
	room->size =
		ZSTD_decompressDCtx(context->zstd, room->data, room->size_max,
				    stored, ref->stored_size);
	return ZSTD_isError(room->size) ? -EBADMSG : 0;
}

static int decode_xz(const struct chunk_ref *ref, const void *stored,
		     struct room *room)
{
	uint64_t memory_max = XZ_MEMORY_MAX;
	size_t in_off = 0;
	lzma_ret r;

	room->size = 0;
	r = lzma_stream_buffer_decode(&memory_max, 0, NULL, stored, &in_off,
				      ref->stored_size, room->data, &room->size,
				      room->size_max);
	if (r == LZMA_MEM_ERROR)
		return -ENOMEM;
	return r == LZMA_OK && in_off == ref->stored_size ? 0 : -EBADMSG;
}

static int decode_lz4(const struct chunk_ref *ref, const void *stored,
		      struct room *room)
{
	int r = LZ4_decompress_safe(stored, (char *)room->data,
				    (int)ref->stored_size, (int)room->size_max);

	room->size = r < 0 ? 0 : (size_t)r;
	return r < 0 ? -EBADMSG : 0;
}

/* A block that is compressed as a whole. */
static int decode_block(struct codec_context *context,
			const struct chunk_ref *ref, const void *stored,
			struct room *room)
{
	switch (ref->codec) {
	case CODEC_ZLIB:
		return decode_zlib(context, ref, stored, room);
	case CODEC_ZSTD:
		return decode_zstd(context, ref, stored, room);
	case CODEC_XZ:
		return decode_xz(ref, stored, room);
	case CODEC_LZ4:
		return decode_lz4(ref, stored, room);
	case CODEC_RAW:
	case CODEC_DEFLATE_SPAN:
		break;
	}
	return -ENOTSUP;
}

static int decode_exactly(struct codec_context *context,
			  const struct chunk_ref *ref, const void *stored,
			  void *ret_raw)
{
	struct room room = { .data = ret_raw, .size_max = ref->raw_size };
	int r = decode_block(context, ref, stored, &room);

	return r == 0 && room.size != ref->raw_size ? -EBADMSG : r;
}

/* Nobody knows how many bytes they are; the first are wanted. */
static int decode_prefix(struct codec_context *context,
			 const struct chunk_ref *ref, const void *stored,
			 void *ret_raw)
{
	struct room room = { .size_max = CHUNK_PREFIX_SIZE_MAX };
	int r;

	if (!context->prefix)
		context->prefix = malloc(CHUNK_PREFIX_SIZE_MAX);
	if (!context->prefix)
		return -ENOMEM;
	room.data = context->prefix;
	r = decode_block(context, ref, stored, &room);
	if (r < 0)
		return r;
	if (room.size < ref->raw_size)
		return -EBADMSG;
	memcpy(ret_raw, room.data, ref->raw_size);
	return 0;
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
	int r;

	if (!has_sane_sizes(ref))
		return -EBADMSG;
	switch (ref->codec) {
	case CODEC_RAW:
		return decode_raw(ref, stored, ret_raw);
	case CODEC_DEFLATE_SPAN:
		return decode_deflate_span(context, ref, stored, window,
					   ret_raw);
	case CODEC_ZLIB:
	case CODEC_ZSTD:
	case CODEC_XZ:
	case CODEC_LZ4:
		break;
	}
	r = decode_exactly(context, ref, stored, ret_raw);
	return r == -EBADMSG && ref->end_bit == CHUNK_END_PREFIX
		       ? decode_prefix(context, ref, stored, ret_raw)
		       : r;
}
