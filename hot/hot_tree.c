/* SPDX-License-Identifier: Apache-2.0 */
#include "hot/hot_tree.h"

#include "common/digest.h"
#include "common/error.h"
#include "hot/hot_inode.h"
#include "index/index_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The path that an open folder has now. */
static int get_path(int fd, char *ret, size_t capacity)
{
	char self[40];
	ssize_t n;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	n = readlink(self, ret, capacity - 1);
	if (n < 0)
		return -errno;
	if ((size_t)n == capacity - 1)
		return -ENAMETOOLONG;
	ret[n] = '\0';
	return 0;
}

static int use_current(struct hot_tree *tree, const struct index_file *index,
		       bool maps_ids)
{
	const struct hot_stamp *stamp = &tree->stamp;
	autoclose int fd = -1;
	int r = hot_folder_load_stamp(&tree->folder, &tree->stamp);

	if (r < 0)
		return r;
	if (stamp->index_hash != index_file_hash(index) ||
	    stamp->maps_ids != maps_ids)
		return -ENOENT;
	fd = hot_folder_share_tree(&tree->folder, stamp->generation);
	if (fd < 0)
		return STEAL_FD(fd);
	r = get_path(fd, tree->path, sizeof(tree->path));
	if (r == 0)
		hot_folder_note_use(&tree->folder);
	return r;
}

int hot_tree_open(int cache_dir_fd, const struct index_file *index,
		  bool maps_ids, struct hot_tree **ret, struct error *err)
{
	CLEANUP(hot_tree_closep) struct hot_tree *tree = NULL;
	int r;

	tree = calloc(1, sizeof(*tree));
	if (!tree)
		return error_set(err, -ENOMEM, "out of memory");
	tree->folder = (struct hot_folder)HOT_FOLDER_INIT;
	r = hot_folder_open(cache_dir_fd, index_file_manifest_digest(index),
			    false, &tree->folder, err);
	if (r < 0)
		return r;
	r = use_current(tree, index, maps_ids);
	if (r < 0)
		return error_set_errno(err, r, "no hot tree can be used");
	*ret = STEAL_PTR(tree);
	return 0;
}

void hot_tree_close(struct hot_tree *tree)
{
	if (!tree)
		return;
	hot_folder_close(&tree->folder);
	free(tree);
}

static int open_beneath(const char *dir, const char *path)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	autoclose int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	long fd;

	if (dir_fd < 0)
		return -errno;
	fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

int hot_tree_open_file(const struct hot_tree *tree,
		       const struct index_file *index, uint32_t inode)
{
	struct index_inode expected;
	char path[PATH_MAX];
	autoclose int fd = -1;
	struct stat st;
	int r = index_file_get_inode(index, inode, &expected);

	if (r == 0)
		r = index_file_get_path(index, inode, path, sizeof(path));
	if (r < 0 || !S_ISREG(expected.mode))
		return -EBADMSG;
	assert(path[0] == '/');
	fd = open_beneath(tree->path, path + 1);
	if (fd < 0)
		return STEAL_FD(fd);
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != expected.size)
		return -ENOENT;
	r = hot_inode_is_pointer(fd);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	return STEAL_FD(fd);
}
