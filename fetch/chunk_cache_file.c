/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_cache_file.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/io.h"
#include "fetch/chunk_cache_name.h"
#include "fetch/chunk_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	/* A use is noted when the last note is older than this. */
	TOUCH_AGE_S = 3600,
	STORE_TRIES = 3,
};

uint64_t chunk_cache_file_size(uint32_t size)
{
	return CHUNK_RECORD_HEADER_SIZE + (uint64_t)size;
}

/* Modification times say when a chunk was last used. */
void chunk_cache_file_note_use(int fd, int64_t used_s)
{
	static const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_nsec = UTIME_NOW },
	};

	if (clock_wall_s() - used_s > TOUCH_AGE_S)
		(void)futimens(fd, times);
}

int chunk_cache_file_open(int dir_fd, const char *path, uint32_t size,
			  int64_t *ret_used_s)
{
	/* O_NONBLOCK: somebody may have put a FIFO there */
	autoclose int fd = openat(
		dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -ENOENT;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -ENOENT;
	if ((uint64_t)st.st_size != chunk_cache_file_size(size))
		return -EBADMSG;
	*ret_used_s = st.st_mtim.tv_sec;
	return STEAL_FD(fd);
}

int chunk_cache_file_load(int dir_fd, const char *path,
			  const struct digest *key, void *ret_data,
			  uint32_t size)
{
	uint8_t header[CHUNK_RECORD_HEADER_SIZE];
	int64_t used_s;
	autoclose int fd = chunk_cache_file_open(dir_fd, path, size, &used_s);
	int r;

	if (fd < 0)
		return STEAL_FD(fd);
	r = io_pread_full(fd, 0, sizeof(header), header);
	if (r == 0)
		r = io_pread_full(fd, sizeof(header), size, ret_data);
	if (r == 0)
		r = chunk_record_check(header, key, ret_data, size);
	if (r == 0)
		chunk_cache_file_note_use(fd, used_s);
	return r;
}

/* The folder of a key's chunk; 0 or negative errno */
static int make_folder(int dir_fd, const struct digest *key)
{
	char shard[CHUNK_CACHE_NAME_SIZE];

	chunk_cache_name_format_shard(chunk_cache_name_shard(key), shard);
	(void)mkdirat(dir_fd, CHUNK_CACHE_NAME_FOLDER, 0700);
	if (mkdirat(dir_fd, shard, 0700) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* An fd, or negative errno.  Makes the folders when they are missing. */
static int create_temporary(int dir_fd, const struct digest *key,
			    char ret_path[CHUNK_CACHE_NAME_SIZE])
{
	int r = 0;

	for (unsigned try = 0; r == 0 && try < STORE_TRIES; try++) {
		int fd;

		chunk_cache_name_format_temporary(key, ret_path);
		fd = openat(dir_fd, ret_path,
			    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		if (errno == ENOENT)
			r = make_folder(dir_fd, key);
		else if (errno != EEXIST)
			r = -errno;
	}
	return r < 0 ? r : -EEXIST;
}

int chunk_cache_file_store(int dir_fd, const struct digest *key,
			   const void *data, uint32_t size)
{
	uint8_t header[CHUNK_RECORD_HEADER_SIZE];
	char temporary[CHUNK_CACHE_NAME_SIZE];
	char path[CHUNK_CACHE_NAME_SIZE];
	autoclose int fd = create_temporary(dir_fd, key, temporary);
	int r;

	if (fd < 0)
		return fd;
	chunk_record_encode(key, data, size, header);
	chunk_cache_name_format(key, path);
	r = io_write_full(fd, header, sizeof(header));
	if (r == 0)
		r = io_write_full(fd, data, size);
	if (r == 0 && renameat(dir_fd, temporary, dir_fd, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir_fd, temporary, 0);
	/* a quota is a disk that is full for this user */
	return r == -EDQUOT ? -ENOSPC : r;
}
