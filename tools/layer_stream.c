/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/layer_stream.h"

#include "common/byte_stream.h"
#include "common/error.h"
#include "fetch/blob_stream.h"
#include "fetch/range_source.h"
#include "image/image.h"

#include <errno.h>
#include <stdlib.h>

/* Several layers at once: 4 MiB each. */
static const struct blob_stream_options remote_options = {
	.request_size = 1 << 20,
	.request_count = 4,
};

/* A file is read by whoever asks for its bytes: nothing is gained by having
 * more of them than the processor's cache holds. */
static const struct blob_stream_options local_options = {
	.request_size = 256 << 10,
	.request_count = 1,
};

struct layer_stream {
	struct byte_stream base;
	struct byte_stream *blob; /* owned; over source */
	struct range_source *source;
};

static ssize_t layer_stream_read(struct byte_stream *stream, void *ret_data,
				 size_t size, struct error *err)
{
	struct layer_stream *layer = (struct layer_stream *)stream;

	return byte_stream_read(layer->blob, ret_data, size, err);
}

static void layer_stream_destroy(struct byte_stream *stream)
{
	struct layer_stream *layer = (struct layer_stream *)stream;

	byte_stream_destroy(layer->blob);
	range_source_destroy(layer->source);
	free(layer);
}

static const struct byte_stream_ops layer_stream_ops = {
	.read = layer_stream_read,
	.destroy = layer_stream_destroy,
};

int layer_stream_open(struct image *image, uint32_t number,
		      struct byte_stream **ret, struct error *err)
{
	const struct blob_stream_options *options =
		image_is_local(image) ? &local_options : &remote_options;
	struct layer_stream *layer = calloc(1, sizeof(*layer));
	int r;

	if (!layer)
		return error_set(err, -ENOMEM, "out of memory");
	layer->base.ops = &layer_stream_ops;
	r = image_open_layer(image, number, &layer->source, err);
	if (r == 0)
		r = blob_stream_create(layer->source, options, &layer->blob,
				       err);
	if (r < 0) {
		layer_stream_destroy(&layer->base);
		return r;
	}
	*ret = &layer->base;
	return 0;
}
