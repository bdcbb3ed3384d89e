/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_cache_check.h"

#include "common/digest.h"
#include "common/hash.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_cache_file.h"
#include "fetch/chunk_cache_name.h"
#include "fetch/chunk_record.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

struct chunk_cache_check {
	struct hash_stream stream;
	uint8_t header[CHUNK_RECORD_HEADER_SIZE];
	struct chunk_cache *cache;
	struct digest key;
	uint64_t off;  /* in the file: all before was read */
	uint64_t size; /* of the file */
	int64_t used_s;
	int fd;
};

int chunk_cache_check_open(struct chunk_cache *cache, const struct digest *key,
			   uint32_t size, struct chunk_cache_check **ret)
{
	char path[CHUNK_CACHE_NAME_SIZE];
	struct chunk_cache_check *check;
	int64_t used_s;
	autoclose int fd = -1;

	chunk_cache_name_format(key, path);
	fd = chunk_cache_file_open(chunk_cache_dir_fd(cache), path, size,
				   &used_s);
	if (fd == -EBADMSG)
		chunk_cache_remove(cache, key);
	if (fd < 0)
		return CHUNK_CACHE_MISS;
	/* a hash's state wants to be aligned more than malloc() does it */
	check = aligned_alloc(alignof(struct chunk_cache_check),
			      sizeof(*check));
	if (!check)
		return -ENOMEM;
	*check = (struct chunk_cache_check){
		.cache = cache,
		.key = *key,
		.size = chunk_cache_file_size(size),
		.used_s = used_s,
		.fd = STEAL_FD(fd),
	};
	hash_stream_init(&check->stream);
	*ret = check;
	return CHUNK_CACHE_HIT;
}

void chunk_cache_check_close(struct chunk_cache_check *check)
{
	if (!check)
		return;
	if (check->fd >= 0)
		close(check->fd);
	free(check);
}

static int fail(struct chunk_cache_check *check)
{
	chunk_cache_remove(check->cache, &check->key);
	return CHUNK_CACHE_CHECK_FAILED;
}

static int conclude(struct chunk_cache_check *check)
{
	uint32_t size = (uint32_t)(check->size - CHUNK_RECORD_HEADER_SIZE);

	if (chunk_record_check_sum(check->header, &check->key, size,
				   hash_stream_sum(&check->stream)) < 0)
		return fail(check);
	chunk_cache_file_note_use(check->fd, check->used_s);
	return CHUNK_CACHE_CHECK_DONE;
}

/* @flags: of preadv2(2) */
static int step(struct chunk_cache_check *check, int flags)
{
	uint8_t part[CHUNK_CACHE_CHECK_STEP];
	struct iovec parts[2] = {
		{ .iov_base = check->header },
		{ .iov_base = part, .iov_len = sizeof(part) },
	};
	ssize_t n;

	assert(check->off < check->size);
	if (check->off == 0)
		parts[0].iov_len = CHUNK_RECORD_HEADER_SIZE;
	n = preadv2(check->fd, parts, 2, (off_t)check->off, flags);
	if (n < 0 && errno == EINTR)
		return CHUNK_CACHE_CHECK_MORE;
	if (n < 0 && flags && (errno == EAGAIN || errno == EOPNOTSUPP))
		return -EAGAIN;
	if (n <= (ssize_t)parts[0].iov_len)
		return fail(check);
	check->off += (uint64_t)n;
	hash_stream_add(&check->stream, part, (size_t)n - parts[0].iov_len);
	return check->off < check->size ? CHUNK_CACHE_CHECK_MORE
					: conclude(check);
}

int chunk_cache_check_step(struct chunk_cache_check *check)
{
	int r = step(check, RWF_NOWAIT);

	/* what is asked for here is there when it is needed */
	if (r == -EAGAIN)
		(void)posix_fadvise(check->fd, (off_t)check->off, 0,
				    POSIX_FADV_WILLNEED);
	return r;
}

int chunk_cache_check_finish(struct chunk_cache_check *check)
{
	int r;

	do {
		r = step(check, 0);
	} while (r == CHUNK_CACHE_CHECK_MORE);
	return r;
}

int chunk_cache_check_take(struct chunk_cache_check *check)
{
	assert(check->off == check->size && check->fd >= 0);
	return STEAL_FD(check->fd);
}
