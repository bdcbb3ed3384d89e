/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree that is not the current one is removed in this order, so that being
 * killed at any point harms nobody: lock it exclusively, rename it to dead-*,
 * delete.  Who wants to use one locks it (shared), and then looks whether its
 * name still leads to it.
 */
#include "hot/hot_folder.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/io.h"
#include "hot/hot_stamp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define CURRENT "current"
#define LOCKS	"locks"
#define TREE	"tree-"
#define DEAD	"dead-"

enum {
	BUILDER_OFF = 0,
	MAKE_TRIES = 4,
	DEPTH_MAX = 300,    /* of what is removed; see HOT_BUILD_DEPTH_MAX */
	TOUCH_AGE_S = 3600, /* as the chunk cache's */
	GENERATION_DIGITS = 16,
};

static int open_folder(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

/* A folder that only this user can have written into, or look into. */
static int open_private(int dir_fd, const char *name)
{
	autoclose int fd = open_folder(dir_fd, name);
	struct stat st;

	if (fd < 0)
		return STEAL_FD(fd);
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || (st.st_mode & 0077) != 0)
		return -EPERM;
	return STEAL_FD(fd);
}

static int open_or_make(int dir_fd, const char *name, bool is_made,
			struct error *err)
{
	int fd = open_private(dir_fd, name);

	if (fd == -ENOENT && is_made) {
		if (mkdirat(dir_fd, name, 0700) < 0 && errno != EEXIST)
			return error_set_errno(err, -errno,
					       "cannot make %s in the cache",
					       name);
		fd = open_private(dir_fd, name);
	}
	if (fd == -EPERM)
		return error_set(err, fd,
				 "%s in the cache is open to others: chmod "
				 "go-rwx it, or remove it",
				 name);
	if (fd < 0)
		return error_set_errno(err, fd, "cannot open %s in the cache",
				       name);
	return fd;
}

int hot_folder_open_top(int cache_dir_fd, bool is_made, struct error *err)
{
	return open_or_make(cache_dir_fd, HOT_FOLDER_TOP, is_made, err);
}

static int open_at(int top_fd, const char *name, bool is_made,
		   struct hot_folder *ret, struct error *err)
{
	int r = open_or_make(top_fd, name, is_made, err);

	if (r < 0)
		return r;
	ret->fd = r;
	r = node_lock_open(ret->fd, LOCKS, &ret->locks);
	if (r == 0)
		return 0;
	close(STEAL_FD(ret->fd));
	return error_set_errno(err, r,
			       "cannot lock " HOT_FOLDER_TOP " in the cache");
}

int hot_folder_open(int cache_dir_fd, const struct digest *manifest,
		    bool is_made, struct hot_folder *ret, struct error *err)
{
	autoclose int top_fd = hot_folder_open_top(cache_dir_fd, is_made, err);
	char name[DIGEST_HEX_SIZE];

	if (top_fd < 0)
		return STEAL_FD(top_fd);
	digest_format_hex(manifest, name);
	return open_at(top_fd, name, is_made, ret, err);
}

int hot_folder_open_name(int top_fd, const char *name, struct hot_folder *ret,
			 struct error *err)
{
	return open_at(top_fd, name, false, ret, err);
}

void hot_folder_close(struct hot_folder *folder)
{
	node_lock_close(&folder->locks);
	if (folder->fd >= 0)
		close(STEAL_FD(folder->fd));
}

/* Of a file that nobody ever writes to: one made in its place has another id,
 * with the same inode number even. */
static uint64_t get_id(const struct stat *st)
{
	const uint64_t parts[] = {
		st->st_ino,
		(uint64_t)st->st_ctim.tv_sec,
		(uint64_t)st->st_ctim.tv_nsec,
	};

	return hash_xxh3(parts, sizeof(parts));
}

int hot_folder_load_stamp(const struct hot_folder *folder,
			  struct hot_stamp *ret)
{
	struct buffer file = BUFFER_INIT(HOT_STAMP_SIZE);
	struct hot_stamp stamp;
	struct stat st;
	int r = io_read_file(folder->fd, CURRENT, &file, NULL);

	if (r == 0)
		r = hot_stamp_decode(file.data, file.size, &stamp);
	buffer_fini(&file);
	if (r < 0)
		return r == -EFBIG ? -EBADMSG : r;
	/* `rm -rf` passed when the stamp was just written, and left it */
	if (fstat(folder->locks.fd, &st) < 0 || get_id(&st) != stamp.locks_id)
		return -ENOENT;
	*ret = stamp;
	return 0;
}

int hot_folder_publish(const struct hot_folder *folder,
		       const struct hot_stamp *stamp, struct error *err)
{
	struct hot_stamp own = *stamp;
	uint8_t bytes[HOT_STAMP_SIZE];
	struct stat st;

	/* `rm -rf` of the cache passed: who knows what it took of the tree */
	if (fstat(folder->locks.fd, &st) < 0 || st.st_nlink == 0)
		return error_set(err, -ESTALE,
				 "the cache was removed while the hot tree "
				 "was made");
	own.locks_id = get_id(&st);
	hot_stamp_encode(&own, bytes);
	return io_write_file_atomic(folder->fd, CURRENT, bytes, sizeof(bytes),
				    err);
}

void hot_folder_retract(const struct hot_folder *folder)
{
	(void)unlinkat(folder->fd, CURRENT, 0);
}

void hot_folder_note_use(const struct hot_folder *folder)
{
	struct stat st;

	if (fstatat(folder->fd, CURRENT, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    clock_wall_s() - st.st_mtim.tv_sec > TOUCH_AGE_S)
		(void)utimensat(folder->fd, CURRENT, NULL, AT_SYMLINK_NOFOLLOW);
}

int64_t hot_folder_last_use_s(const struct hot_folder *folder)
{
	struct stat st;

	if (fstatat(folder->fd, CURRENT, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return st.st_mtim.tv_sec;
}

int hot_folder_try_builder(const struct hot_folder *folder)
{
	return node_lock_try(&folder->locks, BUILDER_OFF);
}

void hot_folder_format_tree(uint64_t generation, char ret[HOT_FOLDER_NAME_SIZE])
{
	snprintf(ret, HOT_FOLDER_NAME_SIZE, TREE "%016" PRIx64, generation);
}

int hot_folder_make_tree(const struct hot_folder *folder,
			 uint64_t *ret_generation, struct error *err)
{
	char name[HOT_FOLDER_NAME_SIZE];
	uint64_t generation;
	int fd;

	for (unsigned i = 0; i < MAKE_TRIES; i++) {
		if (getrandom(&generation, sizeof(generation), 0) !=
		    sizeof(generation))
			break;
		generation = HOT_FOLDER_GENERATION_MIN +
			     generation % (HOT_FOLDER_GENERATION_MAX -
					   HOT_FOLDER_GENERATION_MIN);
		if (node_lock_try(&folder->locks, generation) != NODE_LOCK_HELD)
			continue;
		hot_folder_format_tree(generation, name);
		if (mkdirat(folder->fd, name, 0700) < 0)
			break;
		fd = open_folder(folder->fd, name);
		if (fd < 0)
			return error_set_errno(err, fd, "cannot open %s", name);
		*ret_generation = generation;
		return fd;
	}
	return error_set(err, -EIO, "cannot make a folder for a hot tree");
}

/* Does @name still lead to the folder @fd? */
static bool is_named(int dir_fd, const char *name, int fd)
{
	struct stat named;
	struct stat opened;

	return fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(fd, &opened) == 0 && named.st_dev == opened.st_dev &&
	       named.st_ino == opened.st_ino;
}

int hot_folder_share_tree(const struct hot_folder *folder, uint64_t generation)
{
	char name[HOT_FOLDER_NAME_SIZE];
	autoclose int fd = -1;
	int r;

	hot_folder_format_tree(generation, name);
	fd = open_private(folder->fd, name);
	if (fd < 0)
		return STEAL_FD(fd);
	r = node_lock_try_shared(&folder->locks, generation);
	if (r == NODE_LOCK_TAKEN)
		return -EBUSY;
	if (r < 0)
		return r;
	if (is_named(folder->fd, name, fd))
		return STEAL_FD(fd);
	node_lock_release(&folder->locks, generation);
	return -ENOENT;
}

void hot_folder_release_tree(const struct hot_folder *folder,
			     uint64_t generation)
{
	node_lock_release(&folder->locks, generation);
}

static bool is_directory(int dir_fd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* Everything in a directory, whatever its mode; what cannot be removed is
 * found again by the next sweep. */
static void remove_content(int dir_fd, unsigned depth)
{
	struct dirent *entry;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return;
	}
	/* The stream is this call's alone. */
	while ((entry = readdir(folder))) { /* NOLINT(concurrency-mt-unsafe) */
		const char *name = entry->d_name;
		int child;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (!is_directory(dir_fd, entry)) {
			(void)unlinkat(dir_fd, name, 0);
			continue;
		}
		(void)fchmodat(dir_fd, name, 0700, 0);
		child = open_folder(dir_fd, name);
		if (child >= 0 && depth < DEPTH_MAX)
			remove_content(child, depth + 1);
		if (child >= 0)
			close(child);
		(void)unlinkat(dir_fd, name, AT_REMOVEDIR);
	}
	closedir(folder);
}

static void remove_dead(const struct hot_folder *folder, const char *name)
{
	autoclose int fd = -1;

	(void)fchmodat(folder->fd, name, 0700, 0);
	fd = open_folder(folder->fd, name);
	if (fd < 0)
		return;
	remove_content(fd, 0);
	(void)unlinkat(folder->fd, name, AT_REMOVEDIR);
}

/* "tree-" or "dead-" and a generation, nothing else */
static bool parse_name(const char *name, uint64_t *ret)
{
	const char *digits = name + strlen(TREE);

	if (strncmp(name, TREE, strlen(TREE)) != 0 &&
	    strncmp(name, DEAD, strlen(DEAD)) != 0)
		return false;
	if (strlen(digits) != GENERATION_DIGITS ||
	    strspn(digits, "0123456789abcdef") != GENERATION_DIGITS)
		return false;
	*ret = strtoull(digits, NULL, 16);
	return *ret >= HOT_FOLDER_GENERATION_MIN &&
	       *ret <= HOT_FOLDER_GENERATION_MAX;
}

/* false when somebody uses it */
static bool remove_tree(const struct hot_folder *folder, const char *name,
			uint64_t generation)
{
	char dead[HOT_FOLDER_NAME_SIZE];

	if (node_lock_try(&folder->locks, generation) != NODE_LOCK_HELD)
		return false;
	snprintf(dead, sizeof(dead), DEAD "%016" PRIx64, generation);
	if (strncmp(name, DEAD, strlen(DEAD)) == 0 ||
	    renameat(folder->fd, name, folder->fd, dead) == 0)
		remove_dead(folder, dead);
	node_lock_release(&folder->locks, generation);
	return true;
}

unsigned hot_folder_sweep(const struct hot_folder *folder)
{
	struct hot_stamp current = { 0 };
	struct dirent *entry;
	unsigned used = 0;
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (!stream) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	(void)hot_folder_load_stamp(folder, &current);
	while ((entry = readdir(stream))) { /* NOLINT(concurrency-mt-unsafe) */
		uint64_t generation;

		if (parse_name(entry->d_name, &generation) &&
		    generation != current.generation &&
		    !remove_tree(folder, entry->d_name, generation))
			used++;
	}
	closedir(stream);
	return used;
}
