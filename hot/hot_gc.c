/* SPDX-License-Identifier: Apache-2.0 */
#include "hot/hot_gc.h"

#include "common/cleanup.h"
#include "common/digest.h"
#include "common/error.h"
#include "hot/hot_folder.h"
#include "hot/hot_stamp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct walk {
	struct hot_gc_usage usage;
	char oldest[DIGEST_HEX_SIZE]; /* "" when there is none */
	int64_t oldest_s;	      /* when it was used */
	unsigned in_use;
};

typedef void visit_fn(struct walk *walk, const struct hot_folder *folder,
		      const char *name);

static bool is_image(const char *name)
{
	return strlen(name) == DIGEST_HEX_SIZE - 1 &&
	       strspn(name, "0123456789abcdef") == DIGEST_HEX_SIZE - 1;
}

/* Each image's folder; 0 also where there is no hot/ */
static int walk_images(int cache_dir_fd, visit_fn *visit, struct walk *walk,
		       struct error *err)
{
	autoclose int top_fd = hot_folder_open_top(cache_dir_fd, false, err);
	struct dirent *entry;
	DIR *stream;
	int fd;

	if (top_fd == -ENOENT)
		return 0;
	if (top_fd < 0)
		return STEAL_FD(top_fd);
	fd = openat(top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream) {
		if (fd >= 0)
			close(fd);
		return error_set(err, -EIO, "cannot list hot trees");
	}
	while ((entry = readdir(stream))) { /* NOLINT(concurrency-mt-unsafe) */
		struct hot_folder folder = HOT_FOLDER_INIT;

		if (!is_image(entry->d_name) ||
		    hot_folder_open_name(top_fd, entry->d_name, &folder, NULL) <
			    0)
			continue;
		visit(walk, &folder, entry->d_name);
		hot_folder_close(&folder);
	}
	closedir(stream);
	return 0;
}

static void visit_measure(struct walk *walk, const struct hot_folder *folder,
			  const char *name)
{
	struct hot_stamp stamp;
	int64_t used_s;

	if (hot_folder_load_stamp(folder, &stamp) < 0)
		return;
	walk->usage.count++;
	walk->usage.size += stamp.size;
	used_s = hot_folder_last_use_s(folder);
	if (walk->oldest[0] && walk->oldest_s <= used_s)
		return;
	walk->oldest_s = used_s;
	snprintf(walk->oldest, sizeof(walk->oldest), "%s", name);
}

static void visit_sweep(struct walk *walk, const struct hot_folder *folder,
			const char *name)
{
	(void)name;
	if (hot_folder_try_builder(folder) != NODE_LOCK_TAKEN)
		walk->in_use += hot_folder_sweep(folder);
}

static void visit_remove(struct walk *walk, const struct hot_folder *folder,
			 const char *name)
{
	bool is_builder = hot_folder_try_builder(folder) != NODE_LOCK_TAKEN;

	(void)name;
	hot_folder_retract(folder);
	(void)unlinkat(folder->fd, HOT_FOLDER_RECORD, 0);
	walk->in_use += is_builder ? hot_folder_sweep(folder) : 1;
}

int hot_gc_measure(int cache_dir_fd, struct hot_gc_usage *ret,
		   struct error *err)
{
	struct walk walk = { 0 };
	int r = walk_images(cache_dir_fd, visit_measure, &walk, err);

	if (r == 0)
		*ret = walk.usage;
	return r;
}

static int remove_one(int cache_dir_fd, const char *name, struct walk *walk,
		      struct error *err)
{
	autoclose int top_fd = hot_folder_open_top(cache_dir_fd, false, err);
	struct hot_folder folder = HOT_FOLDER_INIT;
	int r;

	if (top_fd < 0)
		return top_fd == -ENOENT ? 0 : STEAL_FD(top_fd);
	r = hot_folder_open_name(top_fd, name, &folder, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	visit_remove(walk, &folder, name);
	hot_folder_close(&folder);
	return 0;
}

int hot_gc_collect(int cache_dir_fd, uint64_t size_max, struct error *err)
{
	struct walk sweep = { 0 };
	int r = walk_images(cache_dir_fd, visit_sweep, &sweep, err);

	while (r == 0) {
		struct walk walk = { 0 };
		uint64_t count;

		r = walk_images(cache_dir_fd, visit_measure, &walk, err);
		if (r < 0 || walk.usage.size <= size_max || !walk.oldest[0])
			break;
		count = walk.usage.count;
		r = remove_one(cache_dir_fd, walk.oldest, &sweep, err);
		if (r == 0)
			r = hot_gc_measure(cache_dir_fd, &walk.usage, err);
		if (walk.usage.count >= count)
			break; /* a read-only cache: nothing can be done */
	}
	return r;
}

int hot_gc_remove(int cache_dir_fd, const struct digest *manifest,
		  struct error *err)
{
	struct walk walk = { 0 };
	char name[DIGEST_HEX_SIZE];
	int r;

	if (manifest) {
		digest_format_hex(manifest, name);
		r = remove_one(cache_dir_fd, name, &walk, err);
	} else {
		r = walk_images(cache_dir_fd, visit_remove, &walk, err);
	}
	if (r < 0)
		return r;
	if (walk.in_use)
		return error_set(
			err, -EBUSY,
			"%u hot trees are in use: jobs keep them until "
			"they end; `lazyrun cache gc` removes them "
			"then",
			walk.in_use);
	return 0;
}
