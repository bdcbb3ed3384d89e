/* SPDX-License-Identifier: Apache-2.0 */
#include "index/layer_decoder.h"

#include "common/error.h"
#include "index/gzip_layer.h"
#include "index/layer_input.h"
#include "index/layer_span.h"
#include "index/span_joiner.h"
#include "index/span_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct layer_decoder {
	struct layer_input input;
	struct span_memory *memory;
	bool use_isal;
	bool has_begun;		   /* the first bytes were looked at */
	struct gzip_layer *gzip;   /* NULL: a plain tar */
	struct span_joiner joiner; /* over gzip */
	int failure;		   /* 0, or what every call answers */
};

struct magic {
	const char *name;
	uint8_t size;
	uint8_t bytes[6];
};

enum { MAGIC_SIZE_MAX = 6 };

static const struct magic gzip_magic = { "gzip", 2, { 0x1f, 0x8b } };

/* Compressed some other way.  zstd: RFC 8878 section 3.1.1; skippable frames
 * (section 3.1.2) begin zstd:chunked and pzstd streams. */
static const struct magic foreign_magics[] = {
	{ "zstd", 4, { 0x28, 0xb5, 0x2f, 0xfd } },
	{ "zstd", 4, { 0x50, 0x2a, 0x4d, 0x18 } },
	{ "xz", 6, { 0xfd, '7', 'z', 'X', 'Z', 0 } },
	{ "bzip2", 3, { 'B', 'Z', 'h' } },
	{ "lz4", 4, { 0x04, 0x22, 0x4d, 0x18 } },
};

int layer_decoder_create(struct byte_stream *stream, bool use_isal,
			 struct layer_decoder **ret, struct error *err)
{
	struct layer_decoder *decoder = calloc(1, sizeof(*decoder));

	if (decoder)
		decoder->memory = span_memory_create();
	if (!decoder || !decoder->memory) {
		free(decoder);
		return error_set(err, -ENOMEM,
				 "out of memory for a layer's decoder");
	}
	layer_input_init(&decoder->input, stream);
	decoder->use_isal = use_isal;
	*ret = decoder;
	return 0;
}

void layer_decoder_destroy(struct layer_decoder *decoder)
{
	if (!decoder)
		return;
	gzip_layer_destroy(decoder->gzip);
	layer_input_fini(&decoder->input);
	span_memory_destroy(decoder->memory);
	free(decoder);
}

static bool starts_with(const struct layer_input *input,
			const struct magic *magic)
{
	return layer_input_size(input) >= magic->size &&
	       memcmp(layer_input_data(input), magic->bytes, magic->size) == 0;
}

static int begin(struct layer_decoder *decoder, struct error *err)
{
	struct layer_input *input = &decoder->input;
	int r = layer_input_fill(input, MAGIC_SIZE_MAX, err);

	if (r < 0)
		return r;
	decoder->has_begun = true;
	for (size_t i = 0;
	     i < sizeof(foreign_magics) / sizeof(foreign_magics[0]); i++)
		if (starts_with(input, &foreign_magics[i]))
			return error_set(
				err, -ENOTSUP,
				"the layer is compressed with %s, which cannot "
				"be read in parts yet: push the image with "
				"gzip layers (skopeo copy "
				"--dest-compress-format gzip)",
				foreign_magics[i].name);
	if (starts_with(input, &gzip_magic))
		r = gzip_layer_create(input, decoder->memory, decoder->use_isal,
				      &decoder->gzip, err);
	if (r == 0)
		span_joiner_init(&decoder->joiner, decoder->gzip);
	return r;
}

static int next_tar(struct layer_decoder *decoder, struct layer_span **ret,
		    struct error *err)
{
	struct layer_input *input = &decoder->input;
	struct layer_span *span = NULL;
	size_t size = LAYER_SPAN_TAR_SIZE;
	int r;

	r = layer_input_fill(input, size, err);
	if (r < 0)
		return r;
	if (layer_input_size(input) < size)
		size = layer_input_size(input);
	if (size == 0)
		return 0;
	r = layer_span_take(input, size, decoder->memory, &span, err);
	if (r < 0)
		return r;
	span->has_chunk = true;
	span->ref.codec = CODEC_RAW;
	span->ref.stored_off = span->bytes_off;
	span->ref.stored_size = (uint32_t)size;
	span->ref.raw_size = (uint32_t)size;
	span->raw_off = span->bytes_off;
	span->raw = span->bytes;
	*ret = span;
	return 1;
}

int layer_decoder_next(struct layer_decoder *decoder, struct layer_span **ret,
		       struct error *err)
{
	int r = decoder->failure;

	if (r < 0)
		return error_set(err, r, "the layer could not be decoded");
	if (!decoder->has_begun)
		r = begin(decoder, err);
	if (r == 0)
		r = decoder->gzip ? span_joiner_next(&decoder->joiner, ret, err)
				  : next_tar(decoder, ret, err);
	if (r < 0)
		decoder->failure = r;
	return r;
}
