/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_cache_gc.h"

#include "common/clock.h"
#include "common/error.h"
#include "fetch/chunk_cache_name.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AGE_STEPS = 16 }; /* to the doubling; a power of two */

struct walk {
	/* called for each regular file with a name of ours */
	void (*visit)(struct walk *walk, int folder_fd, const char *name,
		      const struct stat *st, bool is_chunk);
	struct chunk_cache_usage *usage;
	uint64_t budget; /* bytes of the cut-off age still to free */
	uint64_t freed;
	unsigned cutoff; /* age from which files go */
	int64_t wall_s;
	int code; /* first failure */
};

static unsigned age_of(const struct stat *st, int64_t wall_s)
{
	uint64_t age = 0;
	unsigned shift;
	unsigned bits;

	if (st->st_mtim.tv_sec < wall_s)
		age = (uint64_t)wall_s - (uint64_t)st->st_mtim.tv_sec;
	if (age < AGE_STEPS)
		return (unsigned)age;
	bits = 64 - (unsigned)__builtin_clzll(age);
	shift = bits - 5; /* leaves 16 to 31 */
	return (shift + 1) * AGE_STEPS + (unsigned)(age >> shift) - AGE_STEPS;
}

static void visit_folder(struct walk *walk, DIR *folder)
{
	struct dirent *entry;

	/* The stream is this walk's alone. */
	while ((entry = readdir(folder))) { /* NOLINT(concurrency-mt-unsafe) */
		bool is_chunk = chunk_cache_name_is_chunk(entry->d_name);
		struct stat st;

		if (!is_chunk && !chunk_cache_name_is_temporary(entry->d_name))
			continue;
		if (fstatat(dirfd(folder), entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			walk->visit(walk, dirfd(folder), entry->d_name, &st,
				    is_chunk);
	}
}

/* 0, also when there is no such folder, or negative errno */
static int walk_folder(struct walk *walk, int dir_fd, const char *path)
{
	int fd = openat(dir_fd, path,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *folder;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	folder = fdopendir(fd);
	if (!folder) {
		int code = -errno;

		close(fd);
		return code;
	}
	visit_folder(walk, folder);
	closedir(folder);
	return 0;
}

static int walk_chunks(struct walk *walk, int dir_fd, struct error *err)
{
	for (unsigned shard = 0; shard < CHUNK_CACHE_NAME_SHARDS; shard++) {
		char path[CHUNK_CACHE_NAME_SIZE];
		int r;

		chunk_cache_name_format_shard(shard, path);
		r = walk_folder(walk, dir_fd, path);
		if (r < 0)
			return error_set_errno(
				err, r, "cannot read %s in the chunk cache",
				path);
	}
	return 0;
}

static void visit_sweep(struct walk *walk, int folder_fd, const char *name,
			const struct stat *st, bool is_chunk)
{
	if (!is_chunk &&
	    st->st_mtim.tv_sec < walk->wall_s - CHUNK_CACHE_GC_TEMPORARY_AGE_S)
		unlinkat(folder_fd, name, 0);
}

static void visit_measure(struct walk *walk, int folder_fd, const char *name,
			  const struct stat *st, bool is_chunk)
{
	struct chunk_cache_usage *usage = walk->usage;
	uint64_t size = (uint64_t)st->st_size;
	unsigned age = age_of(st, walk->wall_s);

	assert(age < CHUNK_CACHE_GC_AGES);
	if (!is_chunk) {
		visit_sweep(walk, folder_fd, name, st, is_chunk);
		return;
	}
	usage->size += size;
	usage->count++;
	usage->size_by_age[age] += size;
}

static void visit_evict(struct walk *walk, int folder_fd, const char *name,
			const struct stat *st, bool is_chunk)
{
	uint64_t size = (uint64_t)st->st_size;
	unsigned age = age_of(st, walk->wall_s);

	if (!is_chunk || age < walk->cutoff)
		return;
	if (age == walk->cutoff && walk->budget == 0)
		return;
	if (unlinkat(folder_fd, name, 0) < 0)
		return;
	walk->freed += size;
	if (age == walk->cutoff)
		walk->budget -= size < walk->budget ? size : walk->budget;
}

static void visit_clear(struct walk *walk, int folder_fd, const char *name,
			const struct stat *st, bool is_chunk)
{
	(void)st;
	(void)is_chunk;
	if (unlinkat(folder_fd, name, 0) < 0 && errno != ENOENT &&
	    walk->code == 0)
		walk->code = -errno;
}

/* Nobody finds what is in them, and it would take room past the bound. */
static void remove_former(int dir_fd, int64_t wall_s)
{
	struct walk walk = { .visit = visit_clear, .wall_s = wall_s };

	for (unsigned i = 0; i < CHUNK_CACHE_NAME_FORMER_SHARDS; i++) {
		char path[CHUNK_CACHE_NAME_SIZE];

		chunk_cache_name_format_former(i, path);
		if (unlinkat(dir_fd, path, AT_REMOVEDIR) == 0 ||
		    errno == ENOENT)
			continue;
		(void)walk_folder(&walk, dir_fd, path);
		(void)unlinkat(dir_fd, path, AT_REMOVEDIR);
	}
}

int chunk_cache_gc_measure(int dir_fd, struct chunk_cache_usage *ret,
			   struct error *err)
{
	/* where io_write_file_atomic() may have left something, too */
	static const char *const folders[] = { ".", "index", "refs", "osdf" };
	struct walk walk = { .visit = visit_sweep, .wall_s = clock_wall_s() };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		(void)walk_folder(&walk, dir_fd, folders[i]);
	remove_former(dir_fd, walk.wall_s);
	memset(ret, 0, sizeof(*ret));
	ret->wall_s = walk.wall_s;
	walk.visit = visit_measure;
	walk.usage = ret;
	return walk_chunks(&walk, dir_fd, err);
}

uint64_t chunk_cache_gc_evict(int dir_fd, const struct chunk_cache_usage *usage,
			      uint64_t free_size)
{
	struct walk walk = {
		.visit = visit_evict,
		.wall_s = usage->wall_s,
		.budget = free_size,
		.cutoff = CHUNK_CACHE_GC_AGES - 1,
	};

	assert(free_size <= usage->size);
	if (free_size == 0)
		return 0;
	while (walk.cutoff > 0 &&
	       usage->size_by_age[walk.cutoff] < walk.budget) {
		walk.budget -= usage->size_by_age[walk.cutoff];
		walk.cutoff--;
	}
	(void)walk_chunks(&walk, dir_fd, NULL);
	return walk.freed;
}

int chunk_cache_gc_clear(int dir_fd, struct error *err)
{
	struct walk walk = { .visit = visit_clear };
	int r = walk_chunks(&walk, dir_fd, err);

	if (r < 0)
		return r;
	if (walk.code < 0)
		return error_set_errno(err, walk.code,
				       "cannot remove every cached chunk");
	return 0;
}
