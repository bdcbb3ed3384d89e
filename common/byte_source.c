/* SPDX-License-Identifier: Apache-2.0 */
#include "common/byte_source.h"

#include "common/error.h"
#include "common/io.h"
#include "common/le.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

struct file_source {
	struct byte_source source;
	int fd; /* borrowed */
};

static int file_source_read(struct byte_source *source, uint64_t off,
			    size_t size, void *ret_data, struct error *err)
{
	const struct file_source *file = (struct file_source *)source;
	int r = io_pread_full(file->fd, off, size, ret_data);

	if (r < 0)
		return error_set_errno(err, r, "cannot read %zu bytes at %llu",
				       size, (unsigned long long)off);
	return 0;
}

static void file_source_destroy(struct byte_source *source)
{
	free(source);
}

static const struct byte_source_ops file_source_ops = {
	.read = file_source_read,
	.destroy = file_source_destroy,
};

int byte_source_open_file(int fd, struct byte_source **ret, struct error *err)
{
	struct file_source *file;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set_errno(err, -errno, "cannot stat the file");
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "not a regular file");
	file = calloc(1, sizeof(*file));
	if (!file)
		return error_set(err, -ENOMEM, "out of memory");
	file->source.ops = &file_source_ops;
	file->source.size = (uint64_t)st.st_size;
	file->fd = fd;
	*ret = &file->source;
	return 0;
}

int byte_source_read(struct byte_source *source, uint64_t off, size_t size,
		     void *ret_data, struct error *err)
{
	if (!le_range_fits(off, size, source->size))
		return error_set(err, -EINVAL,
				 "%zu bytes at %llu lie past the end (%llu)",
				 size, (unsigned long long)off,
				 (unsigned long long)source->size);
	return source->ops->read(source, off, size, ret_data, err);
}

void byte_source_destroy(struct byte_source *source)
{
	if (source)
		source->ops->destroy(source);
}

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
