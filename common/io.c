/* SPDX-License-Identifier: Apache-2.0 */
#include "common/io.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int io_pread_full(int fd, uint64_t off, size_t size, void *ret_data)
{
	uint8_t *data = ret_data;

	while (size) {
		ssize_t n = pread(fd, data, size, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		data += n;
		off += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

int io_write_full(int fd, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Up to the limit; a byte past it is read to no use, to tell the end. */
static ssize_t read_some(int fd, struct buffer *buffer)
{
	size_t room = buffer->size_max - buffer->size;
	char past_limit;
	ssize_t n;

	if (room > 0 && buffer_reserve(buffer, 1) < 0)
		return -ENOMEM;
	if (room > buffer->capacity - buffer->size)
		room = buffer->capacity - buffer->size;
	do
		n = room > 0 ? read(fd, buffer->data + buffer->size, room)
			     : read(fd, &past_limit, 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n > 0 && room == 0)
		return -EFBIG;
	buffer->size += (size_t)n;
	return n;
}

int io_read_file(int dir_fd, const char *path, struct buffer *buffer,
		 struct error *err)
{
	autoclose int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return error_set_errno(err, -errno, "cannot open %s", path);
	do
		n = read_some(fd, buffer);
	while (n > 0);
	if (n == -EFBIG)
		return error_set(err, -EFBIG, "%s is larger than %zu bytes",
				 path, buffer->size_max);
	if (n < 0)
		return error_set_errno(err, (int)n, "cannot read %s", path);
	return 0;
}

int io_write_file_atomic(int dir_fd, const char *path, const void *data,
			 size_t size, struct error *err)
{
	static atomic_uint counter; /* relaxed: only makes names differ */
	char temporary[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int folder_size = slash ? (int)(slash - path + 1) : 0;
	autoclose int fd = -1;
	unsigned number;
	int r;

	number = atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
	r = snprintf(temporary, sizeof(temporary), "%.*s.tmp-%d-%u",
		     folder_size, path, (int)getpid(), number);
	if (r < 0 || (size_t)r >= sizeof(temporary))
		return error_set(err, -ENAMETOOLONG, "%s: path too long", path);
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return error_set_errno(err, -errno, "cannot create %s",
				       temporary);
	r = io_write_full(fd, data, size);
	if (r == 0 && renameat(dir_fd, temporary, dir_fd, path) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dir_fd, temporary, 0);
		return error_set_errno(err, r, "cannot write %s", path);
	}
	return 0;
}

int io_mkdir_all(const char *path, unsigned mode, struct error *err)
{
	char partial[PATH_MAX];
	size_t len = strlen(path);
	struct stat st;

	if (len == 0)
		return error_set(err, -EINVAL, "an empty path");
	if (len >= sizeof(partial))
		return error_set(err, -ENAMETOOLONG, "%s: path too long", path);
	memcpy(partial, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (partial[i] != '/' && partial[i] != '\0')
			continue;
		partial[i] = '\0';
		if (mkdir(partial, mode) < 0 && errno != EEXIST)
			return error_set_errno(err, -errno,
					       "cannot create directory %s",
					       partial);
		partial[i] = path[i];
	}
	if (stat(path, &st) < 0)
		return error_set_errno(err, -errno, "cannot use %s", path);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, -ENOTDIR, "%s is not a directory", path);
	return 0;
}
