/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_blob has no thread and no lock: a fetch is a pread on the caller's
 * thread, and its `done` has returned before range_source_fetch() does.
 */
#include "fetch/file_blob.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "fetch/object_source.h"
#include "fetch/range_source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct file_blob {
	struct range_source source;
	int fd;		/* owned */
	char *path;	/* owned; for error sentences */
	bool is_object; /* its bytes have no digests: it must not change */
	struct timespec mtime;
};

static bool has_changed(const struct file_blob *blob)
{
	struct stat st;

	return fstat(blob->fd, &st) < 0 ||
	       (uint64_t)st.st_size != blob->source.size ||
	       st.st_mtim.tv_sec != blob->mtime.tv_sec ||
	       st.st_mtim.tv_nsec != blob->mtime.tv_nsec;
}

static int read_range(const struct file_blob *blob, uint64_t off, size_t size,
		      uint8_t **ret, struct error *err)
{
	autofree uint8_t *data = malloc(size);
	int r;

	if (!data)
		return error_set(err, -ENOMEM, "%s: out of memory", blob->path);
	r = io_pread_full(blob->fd, off, size, data);
	if (r == -ENODATA)
		return error_set(err, -EPROTO,
				 "%s: the file has become shorter than %" PRIu64
				 " bytes; restore it",
				 blob->path, blob->source.size);
	if (r < 0) {
		error_set_errno(err, r, "%s: cannot read %zu bytes at %" PRIu64,
				blob->path, size, off);
		return error_prefix(err, -EIO, "local blob");
	}
	/* after reading, so that what was read is older than the answer */
	if (blob->is_object && has_changed(blob))
		return error_set(err, -ESTALE,
				 "%s: the file was changed while it is in use; "
				 "start again",
				 blob->path);
	*ret = STEAL_PTR(data);
	return 0;
}

static void file_blob_fetch(struct range_source *source, uint64_t off,
			    size_t size, int64_t deadline_ms,
			    range_done_fn *done, void *arg)
{
	const struct file_blob *blob = (const struct file_blob *)source;
	struct error err = { 0 };
	uint8_t *data = NULL;
	int r;

	(void)deadline_ms; /* a local disk answers or fails by itself */
	r = read_range(blob, off, size, &data, &err);
	done(arg, r, data, &err);
}

static void file_blob_destroy(struct range_source *source)
{
	struct file_blob *blob = (struct file_blob *)source;

	close(blob->fd);
	free(blob->path);
	free(blob);
}

static const struct range_source_ops file_blob_ops = {
	.fetch = file_blob_fetch,
	.destroy = file_blob_destroy,
};

static int check_file(int fd, const char *path, uint64_t size,
		      struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set_errno(err, -errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EPROTO, "%s: not a regular file", path);
	if ((uint64_t)st.st_size != size)
		return error_set(err, -EPROTO,
				 "%s: %" PRIu64 " bytes where its descriptor "
				 "says %" PRIu64 "; copy it anew",
				 path, (uint64_t)st.st_size, size);
	return 0;
}

int file_blob_open(int dir_fd, const char *path, uint64_t size,
		   struct range_source **ret, struct error *err)
{
	/* O_NONBLOCK: a FIFO in the blob's place must not hang the open. */
	autoclose int fd =
		openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	autofree char *name = NULL;
	struct file_blob *blob;
	int r;

	if (fd < 0)
		return error_set_errno(err, -errno, "%s", path);
	r = check_file(fd, path, size, err);
	if (r < 0)
		return r;
	name = strdup(path);
	blob = name ? calloc(1, sizeof(*blob)) : NULL;
	if (!blob)
		return error_set(err, -ENOMEM, "%s: out of memory", path);
	blob->source.ops = &file_blob_ops;
	blob->source.size = size;
	blob->fd = STEAL_FD(fd);
	blob->path = STEAL_PTR(name);
	*ret = &blob->source;
	return 0;
}

static int make_identity(const char *path, const struct stat *st,
			 struct object_identity *ret)
{
	struct object_identity identity = { .size = (uint64_t)st->st_size };

	if (asprintf(&identity.name, "file:%s", path) < 0)
		return -ENOMEM;
	if (asprintf(&identity.last_modified, "%lld.%09ld",
		     (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec) < 0) {
		free(identity.name);
		return -ENOMEM;
	}
	*ret = identity;
	return 0;
}

int file_blob_open_object(const char *path, struct range_source **ret,
			  struct object_identity *ret_identity,
			  struct error *err)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	autofree char *name = strdup(path);
	struct file_blob *blob;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, -errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(
			err, -ENOTSUP,
			"%s is no regular file: a SIF, a SquashFS file "
			"or a directory can be run",
			path);
	if (st.st_size == 0)
		return error_set(err, -EPROTO, "%s is empty; copy it anew",
				 path);
	blob = name ? calloc(1, sizeof(*blob)) : NULL;
	if (!blob || make_identity(path, &st, ret_identity) < 0) {
		free(blob);
		return error_set(err, -ENOMEM, "%s: out of memory", path);
	}
	blob->source.ops = &file_blob_ops;
	blob->source.size = (uint64_t)st.st_size;
	blob->fd = STEAL_FD(fd);
	blob->path = STEAL_PTR(name);
	blob->is_object = true;
	blob->mtime = st.st_mtim;
	*ret = &blob->source;
	return 0;
}
