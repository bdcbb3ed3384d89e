/* SPDX-License-Identifier: Apache-2.0 */
#include "common/byte_stream.h"

ssize_t byte_stream_read(struct byte_stream *stream, void *ret_data,
			 size_t size, struct error *err)
{
	return stream->ops->read(stream, ret_data, size, err);
}

void byte_stream_destroy(struct byte_stream *stream)
{
	if (stream)
		stream->ops->destroy(stream);
}
