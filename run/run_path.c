/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_path.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum {
	/* Names made and links followed for one target.  A path of PATH_MAX
	 * bytes could hold more names; no sensible one does. */
	STEPS_MAX = 256,
	/* openat2() gives up when something on its way is renamed meanwhile. */
	TRIES_MAX = 32,
};

static int open_in_root(int root_fd, const char *path, int flags,
			uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};

	for (int i = 0; i < TRIES_MAX; i++) {
		long fd =
			syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

int run_path_open(int root_fd, const char *path, int flags)
{
	return open_in_root(root_fd, path, flags, 0);
}

bool run_path_is_plain(int root_fd, const char *path)
{
	int fd;

	for (const char *p = path + strspn(path, "/"); *p;) {
		size_t size = strcspn(p, "/");

		if (p[0] == '.' && (size == 1 || (size == 2 && p[1] == '.')))
			return false;
		p += size;
		p += strspn(p, "/");
	}
	fd = open_in_root(root_fd, path, O_PATH, RESOLVE_NO_SYMLINKS);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -ENOENT || fd == -ENOTDIR;
}

/* Of the mount that @fd lies on; 0 when it cannot be told. */
static uint64_t get_mount_id(int fd)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 ||
	    !(st.stx_mask & STATX_MNT_ID))
		return 0;
	return st.stx_mnt_id;
}

void run_path_add_own(struct run_path_root *root, int fd)
{
	uint64_t id = get_mount_id(fd);

	if (id != 0 && root->own_count < RUN_PATH_OWN_MAX)
		root->own[root->own_count++] = id;
}

/* Whether something may be made in the folder @fd. */
static bool is_own(const struct run_path_root *root, int fd)
{
	uint64_t id = get_mount_id(fd);

	if (id != 0 && !root->is_foreign && id == get_mount_id(root->fd))
		return true;
	for (unsigned i = 0; id != 0 && i < root->own_count; i++)
		if (root->own[i] == id)
			return true;
	return false;
}

/* The first name of a path that is not there, and where it would be. */
struct gap {
	int parent_fd;	   /* its folder, O_PATH */
	size_t parent_len; /* of the folder's part in the path */
	char name[NAME_MAX + 1];
	const char *rest; /* of the path behind the name; "" at its end */
};

/* Returns 0 with a gap to fill, 1 when the path is whole, negative errno. */
static int find_gap(const struct run_path_root *root, const char *path,
		    struct gap *ret)
{
	autoclose int parent =
		open_in_root(root->fd, "/", O_PATH | O_DIRECTORY, 0);
	char prefix[PATH_MAX];
	const char *p = path;

	if (parent < 0)
		return parent;
	for (;;) {
		const char *start = p + strspn(p, "/");
		size_t len = strcspn(start, "/");
		size_t end = (size_t)(start - path) + len;
		int fd;

		if (len == 0)
			return 1;
		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(prefix, path, end);
		prefix[end] = '\0';
		fd = open_in_root(root->fd, prefix, O_PATH, 0);
		if (fd == -ENOENT && !is_own(root, parent))
			return -EXDEV;
		if (fd == -ENOENT) {
			ret->parent_fd = STEAL_FD(parent);
			ret->parent_len = (size_t)(start - path);
			memcpy(ret->name, start, len);
			ret->name[len] = '\0';
			ret->rest = start + len + strspn(start + len, "/");
			return 0;
		}
		if (fd < 0)
			return fd;
		close(parent);
		parent = fd;
		p = start + len;
	}
}

/* Puts what the link at the gap points to into the path.  -ENOENT when there
 * is no link. */
static int follow_link(char path[PATH_MAX], const struct gap *gap)
{
	char target[PATH_MAX];
	char longer[PATH_MAX * 2 + 2];
	ssize_t n;
	int len;

	n = readlinkat(gap->parent_fd, gap->name, target, sizeof(target));
	if (n < 0)
		return errno == EINVAL ? -EAGAIN : -errno;
	if (n == sizeof(target))
		return -ENAMETOOLONG;
	len = snprintf(longer, sizeof(longer), "%.*s%.*s%s%s",
		       target[0] == '/' ? 0 : (int)gap->parent_len, path,
		       (int)n, target, gap->rest[0] ? "/" : "", gap->rest);
	if (len < 0 || len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(path, longer, (size_t)len + 1);
	return 0;
}

/* Goes on to the next name of the rest, in the folder just made; false where
 * that cannot be told without resolving the path anew. */
static bool enter_made(struct gap *gap)
{
	size_t len = strcspn(gap->rest, "/");
	int fd;

	if (len == 0 || len > NAME_MAX || gap->rest[0] == '.')
		return false;
	fd = openat(gap->parent_fd, gap->name,
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	close(gap->parent_fd);
	gap->parent_fd = fd;
	memcpy(gap->name, gap->rest, len);
	gap->name[len] = '\0';
	gap->rest += len + strspn(gap->rest + len, "/");
	return true;
}

/* One name, and then, since nothing lies in a new folder, the rest. */
static int fill_gap(struct gap *gap, enum run_path_kind kind, int *steps_left)
{
	int fd;

	while (gap->rest[0] != '\0' || kind == RUN_PATH_DIRECTORY) {
		if ((*steps_left)-- <= 0)
			return -ELOOP;
		if (mkdirat(gap->parent_fd, gap->name, 0755) < 0)
			return errno == EEXIST ? 0 : -errno;
		if (!enter_made(gap))
			return 0;
	}
	fd = openat(gap->parent_fd, gap->name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	close(fd);
	return 0;
}

static int step(const struct run_path_root *root, char path[PATH_MAX],
		enum run_path_kind kind, int *steps_left)
{
	struct gap gap = { .parent_fd = -1 };
	int r = find_gap(root, path, &gap);

	if (r != 0)
		return r < 0 ? r : 0;
	r = follow_link(path, &gap);
	if (r == -ENOENT)
		r = fill_gap(&gap, kind, steps_left);
	else if (r == -EAGAIN)
		r = 0;
	close(gap.parent_fd);
	return r;
}

static int check_kind(int fd, const char *path, enum run_path_kind kind,
		      struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set_errno(err, -errno, "%s in the image", path);
	if (kind == RUN_PATH_DIRECTORY && !S_ISDIR(st.st_mode))
		return error_set(err, -ENOTDIR,
				 "%s is a file in the image, but a directory "
				 "is to be mounted there: choose another "
				 "destination",
				 path);
	if (kind == RUN_PATH_FILE && S_ISDIR(st.st_mode))
		return error_set(err, -EISDIR,
				 "%s is a directory in the image, but a file "
				 "is to be mounted there: choose another "
				 "destination",
				 path);
	return 0;
}

static int say_why_not(const char *path, int code, struct error *err)
{
	if (code == -EXDEV)
		return error_set(err, code,
				 "%s does not exist and lies in a directory of "
				 "the host: make it there first",
				 path);
	if (code == -ENOSYS)
		return error_set(err, code,
				 "this kernel has no openat2(): lazyrun needs "
				 "Linux 5.12 or newer");
	return error_set_errno(err, code, "cannot make %s in the root", path);
}

int run_path_make(const struct run_path_root *root, const char *path,
		  enum run_path_kind kind, struct error *err)
{
	autoclose int fd = -1;
	char current[PATH_MAX];
	size_t len = strlen(path);
	int steps_left = STEPS_MAX;
	int r;

	if (len >= sizeof(current))
		return say_why_not(path, -ENAMETOOLONG, err);
	memcpy(current, path, len + 1);
	while (steps_left-- > 0) {
		fd = open_in_root(root->fd, current, O_PATH, 0);
		if (fd >= 0) {
			r = check_kind(fd, path, kind, err);
			return r < 0 ? r : STEAL_FD(fd);
		}
		if (fd != -ENOENT)
			return say_why_not(path, fd, err);
		r = step(root, current, kind, &steps_left);
		if (r < 0)
			return say_why_not(path, r, err);
	}
	return say_why_not(path, -ELOOP, err);
}

static void remove_link(int root_fd, const char *path)
{
	autoclose int folder = -1;
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];
	struct stat st;

	assert(slash && strlen(path) < sizeof(parent));
	snprintf(parent, sizeof(parent), "%.*s/", (int)(slash - path), path);
	folder = open_in_root(root_fd, parent, O_PATH | O_DIRECTORY,
			      RESOLVE_NO_XDEV);
	if (folder < 0)
		return;
	if (fstatat(folder, slash + 1, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode))
		(void)unlinkat(folder, slash + 1, 0);
}

int run_path_make_in_place(const struct run_path_root *root, const char *path,
			   enum run_path_kind kind, struct error *err)
{
	remove_link(root->fd, path);
	return run_path_make(root, path, kind, err);
}

/* The folder of @path, made where it is missing, and the name in it, which
 * nothing has any more. */
static int clear_name(int root_fd, const char *path, const char **ret_name,
		      struct error *err)
{
	const struct run_path_root root = { .fd = root_fd };
	autoclose int made = -1;
	autoclose int folder = -1;
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];
	struct stat st;

	if (!slash || !slash[1] || (size_t)(slash - path) + 2 > sizeof(parent))
		return say_why_not(path, -EINVAL, err);
	snprintf(parent, sizeof(parent), "%.*s/", (int)(slash - path), path);
	made = run_path_make(&root, parent, RUN_PATH_DIRECTORY, err);
	if (made < 0)
		return made;
	folder = open_in_root(root_fd, parent, O_PATH | O_DIRECTORY,
			      RESOLVE_NO_XDEV);
	if (folder < 0)
		return say_why_not(path, folder, err);
	*ret_name = slash + 1;
	if (fstatat(folder, slash + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? STEAL_FD(folder)
				       : say_why_not(path, -errno, err);
	if (S_ISDIR(st.st_mode))
		return error_set(err, -EISDIR,
				 "%s is a directory in the image, but a file "
				 "is to be made there",
				 path);
	if (unlinkat(folder, slash + 1, 0) < 0)
		return say_why_not(path, -errno, err);
	return STEAL_FD(folder);
}

static bool is_link_to(int root_fd, const char *path, const char *target)
{
	autoclose int fd = open_in_root(root_fd, path, O_PATH | O_NOFOLLOW,
					RESOLVE_NO_XDEV);
	char text[PATH_MAX];
	ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", text, sizeof(text));

	return n > 0 && (size_t)n == strlen(target) &&
	       memcmp(text, target, (size_t)n) == 0;
}

int run_path_make_link(int root_fd, const char *path, const char *target,
		       struct error *err)
{
	autoclose int folder = -1;
	const char *name;

	if (is_link_to(root_fd, path, target))
		return 0;
	folder = clear_name(root_fd, path, &name, err);
	if (folder < 0)
		return folder;
	if (symlinkat(target, folder, name) < 0)
		return say_why_not(path, -errno, err);
	return 0;
}

int run_path_make_file(int root_fd, const char *path, const char *text,
		       struct error *err)
{
	autoclose int folder = -1;
	autoclose int fd = -1;
	const char *name;
	int r;

	folder = clear_name(root_fd, path, &name, err);
	if (folder < 0)
		return folder;
	fd = openat(folder, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return say_why_not(path, -errno, err);
	r = fchmod(fd, 0644) < 0 ? -errno
				 : io_write_full(fd, text, strlen(text));
	return r < 0 ? say_why_not(path, r, err) : 0;
}
