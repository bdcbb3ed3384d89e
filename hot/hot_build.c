/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depth first: a directory's entries, then its own attributes, since every
 * entry made in it changes its time.  Names of one inode beyond the first are
 * hard links to the first.
 */
#include "hot/hot_build.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/le.h"
#include "hot/hot_content.h"
#include "hot/hot_folder.h"
#include "hot/hot_inode.h"
#include "hot/hot_record.h"
#include "hot/hot_stamp.h"
#include "index/index_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { NAME_SIZE_MAX = 255 };

struct build {
	const struct hot_build_options *options;
	struct hot_inode_rules rules;
	struct hot_stamp stamp; /* its counts grow */
	int root_fd;
	uint64_t file_size_max; /* larger files get no contents */
	uint8_t *is_needed;	/* partial: a byte an inode, directories that
				   lead to a file with contents */
	char **first_names;	/* by inode, of those with more names; lazily */
	uint32_t inode_count;
	char path[PATH_MAX]; /* below root_fd, of the directory being made */
	size_t path_len;
};

bool hot_build_can_be_whole(void)
{
	struct utsname name;
	unsigned major;
	unsigned minor;

	/* "ovl: relax redirect_dir ... userxattr and data-only layers" */
	return uname(&name) == 0 &&
	       sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 16));
}

static bool is_whole(const struct build *build)
{
	return build->stamp.kind == HOT_STAMP_WHOLE;
}

static uint64_t disk_size(uint64_t size)
{
	return (size + HOT_BUILD_BLOCK_SIZE - 1) / HOT_BUILD_BLOCK_SIZE *
	       HOT_BUILD_BLOCK_SIZE;
}

/* Regular files of which a tree may have the contents. */
static bool is_wanted(const struct build *build,
		      const struct index_inode *inode)
{
	if (!S_ISREG(inode->mode) || inode->size == 0 ||
	    inode->size > build->file_size_max)
		return false;
	/* a partial tree might lack some of the names */
	if (!is_whole(build) && inode->nlink > 1)
		return false;
	return hot_record_has(build->options->record, inode->number);
}

/* Bytes of the files that are wanted and no larger than @size_max. */
static uint64_t measure(const struct build *build, uint64_t size_max)
{
	const struct hot_record *record = build->options->record;
	struct index_inode inode;
	uint64_t sum = 0;

	for (uint32_t n = hot_record_next(record, 0); n != 0;
	     n = hot_record_next(record, n))
		if (index_file_get_inode(build->options->index, n, &inode) ==
			    0 &&
		    S_ISREG(inode.mode) && inode.size <= size_max &&
		    !le_add(sum, disk_size(inode.size), &sum))
			return UINT64_MAX;
	return sum;
}

/* Small files save a request each, whatever their size: they go first. */
static void choose_file_size(struct build *build, uint64_t room)
{
	unsigned shift = 46;

	build->file_size_max = 1ull << shift;
	while (shift > 0 && measure(build, build->file_size_max) > room)
		build->file_size_max = 1ull << --shift;
}

static int mark_needed(struct build *build)
{
	const struct hot_build_options *options = build->options;
	struct index_inode inode;

	build->is_needed = calloc((size_t)build->inode_count + 1, 1);
	if (!build->is_needed)
		return -ENOMEM;
	for (uint32_t n = hot_record_next(options->record, 0); n != 0;
	     n = hot_record_next(options->record, n)) {
		int r = index_file_get_inode(options->index, n, &inode);

		if (r < 0)
			return r;
		if (!is_wanted(build, &inode))
			continue;
		while (inode.parent <= build->inode_count &&
		       !build->is_needed[inode.parent]) {
			build->is_needed[inode.parent] = 1;
			r = index_file_get_inode(options->index, inode.parent,
						 &inode);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int note_first_name(struct build *build, uint32_t inode,
			   const char *name)
{
	if (!build->first_names)
		build->first_names = calloc((size_t)build->inode_count + 1,
					    sizeof(*build->first_names));
	if (!build->first_names ||
	    asprintf(&build->first_names[inode], "%s%s", build->path, name) < 0)
		return -ENOMEM;
	return 0;
}

/* 1 when @inode had a name already and got this one, 0 when it has none yet */
static int link_to_first(struct build *build, int dir_fd, const char *name,
			 const struct index_inode *inode)
{
	const char *first =
		build->first_names ? build->first_names[inode->number] : NULL;

	if (!first)
		return 0;
	if (linkat(build->root_fd, first, dir_fd, name, 0) == 0)
		return 1;
	return errno == EMLINK ? -ENOTSUP : -errno;
}

static int make_regular(struct build *build, int dir_fd, const char *name,
			const struct index_inode *inode)
{
	const struct hot_build_options *options = build->options;
	bool may_fetch = inode->size <= options->fetch_size_max;
	bool has_content =
		is_wanted(build, inode) &&
		(may_fetch ||
		 hot_content_is_complete(options->index, options->loader,
					 inode->number));
	autoclose int fd = -1;
	int r = 0;

	if (!is_whole(build) && inode->size > 0 && !has_content)
		return -ENODATA;
	fd = hot_inode_make(&build->rules, dir_fd, name, inode);
	if (fd < 0)
		return fd;
	if (has_content)
		r = hot_content_write(options->index, options->loader,
				      inode->number, inode->size, may_fetch,
				      fd);
	if (r == -ENODATA && is_whole(build) && ftruncate(fd, 0) == 0)
		has_content = false; /* evicted meanwhile, or not to be had */
	else if (r < 0)
		return r;
	if (!has_content && inode->size > 0)
		r = hot_inode_point(fd, inode);
	else
		r = 0;
	if (r == 0)
		r = hot_inode_finish(&build->rules, fd, inode);
	if (r < 0)
		return r;
	if (has_content) {
		build->stamp.content_count++;
		build->stamp.content_size += inode->size;
		build->stamp.size += disk_size(inode->size);
	}
	return 0;
}

/* What no user can make, in a folder that is mounted over (hot_build.h). */
static bool is_hidden_device(const struct build *build,
			     const struct index_inode *inode)
{
	return build->rules.maps_ids &&
	       (S_ISCHR(inode->mode) || S_ISBLK(inode->mode)) &&
	       strncmp(build->path, "dev/", 4) == 0;
}

/* A name of what is no directory; as make_entry() */
static int make_leaf(struct build *build, int dir_fd, const char *name,
		     const struct index_inode *inode)
{
	int r;

	if (!is_whole(build) && inode->nlink > 1)
		return -ENODATA;
	r = link_to_first(build, dir_fd, name, inode);
	if (r != 0)
		return r < 0 ? r : 0;
	if (is_whole(build) && is_hidden_device(build, inode))
		return 0;
	if (S_ISREG(inode->mode))
		r = make_regular(build, dir_fd, name, inode);
	else
		r = hot_inode_make(&build->rules, dir_fd, name, inode);
	if (r < 0) {
		(void)unlinkat(dir_fd, name, 0);
		return r;
	}
	build->stamp.inode_count++;
	build->stamp.size += HOT_BUILD_INODE_SIZE;
	return inode->nlink > 1 ? note_first_name(build, inode->number, name)
				: 0;
}

static int make_entries(struct build *build, uint32_t dir, int dir_fd,
			unsigned depth, bool *ret_is_complete);

static int finish_directory(struct build *build, int fd,
			    const struct index_inode *inode, bool is_complete)
{
	int r = 0;

	if (!is_whole(build) && is_complete)
		r = hot_inode_mark_opaque(fd);
	/* what cannot be marked is looked up in both, and that is right too */
	if (r == 0 || r == -ENOTSUP)
		r = hot_inode_finish(&build->rules, fd, inode);
	if (r < 0)
		return r;
	build->stamp.inode_count++;
	build->stamp.size += HOT_BUILD_INODE_SIZE;
	return 0;
}

/* One that cannot be made right must not be there in a partial tree. */
static int try_directory(struct build *build, int fd,
			 const struct index_inode *inode)
{
	int r = hot_inode_finish(&build->rules, fd, inode);

	if (r == 0 && fchmod(fd, 0700) < 0)
		r = -errno;
	return r;
}

static int make_directory(struct build *build, int dir_fd, const char *name,
			  const struct index_inode *inode, unsigned depth)
{
	size_t len = build->path_len;
	bool is_complete = true;
	autoclose int fd = -1;
	int r = 0;

	if (!is_whole(build) && !build->is_needed[inode->number])
		return -ENODATA;
	if (depth >= HOT_BUILD_DEPTH_MAX ||
	    len + strlen(name) + 2 > sizeof(build->path))
		return -ENOTSUP;
	if (mkdirat(dir_fd, name, 0700) < 0)
		return -errno;
	fd = openat(dir_fd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!is_whole(build))
		r = try_directory(build, fd, inode);
	if (r < 0) {
		(void)unlinkat(dir_fd, name, AT_REMOVEDIR);
		return r;
	}
	build->path_len += (size_t)snprintf(
		build->path + len, sizeof(build->path) - len, "%s/", name);
	r = make_entries(build, inode->number, fd, depth + 1, &is_complete);
	build->path_len = len;
	build->path[len] = '\0';
	if (r == 0)
		r = finish_directory(build, fd, inode, is_complete);
	if (r < 0)
		return r;
	return is_complete ? 0 : 1;
}

/* 0; 1: a directory that lacks names; or in a partial tree -ENODATA and
 * -ENOTSUP for what is left to the image */
static int make_entry(struct build *build, int dir_fd,
		      const struct index_dirent *dirent, unsigned depth)
{
	const struct hot_build_options *options = build->options;
	struct index_inode inode;
	char name[NAME_SIZE_MAX + 1];
	int r = index_file_get_inode(options->index, dirent->inode, &inode);

	if (r < 0 || dirent->name_size > NAME_SIZE_MAX)
		return -EBADMSG;
	if (options->should_stop && options->should_stop(options->arg))
		return -ECANCELED;
	if (build->stamp.size > options->size_max)
		return -EFBIG;
	memcpy(name, dirent->name, dirent->name_size);
	name[dirent->name_size] = '\0';
	/* fs/ answers to such names itself */
	if (depth == 0 && strncmp(name, ".lazyrun:", 9) == 0)
		return -ENOTSUP;
	return S_ISDIR(inode.mode)
		       ? make_directory(build, dir_fd, name, &inode, depth)
		       : make_leaf(build, dir_fd, name, &inode);
}

static int make_entries(struct build *build, uint32_t dir, int dir_fd,
			unsigned depth, bool *ret_is_complete)
{
	struct index_dirent dirent;

	for (uint32_t position = 0;; position++) {
		int r = index_file_get_dirent(build->options->index, dir,
					      position, &dirent);

		if (r == -ENOENT)
			return 0;
		if (r == 0)
			r = make_entry(build, dir_fd, &dirent, depth);
		if (r == 1 ||
		    (!is_whole(build) && (r == -ENODATA || r == -ENOTSUP)))
			*ret_is_complete = false;
		else if (r < 0)
			return r;
	}
}

/* A folder whose group or access list would pass to what is made in it. */
static int clean_root(int fd)
{
	if (fchown(fd, (uid_t)-1, getegid()) < 0 || fchmod(fd, 0700) < 0)
		return -errno;
	return fgetxattr(fd, "system.posix_acl_default", NULL, 0) >= 0
		       ? -ENOTSUP
		       : 0;
}

static int make_all(struct build *build)
{
	const struct hot_build_options *options = build->options;
	uint64_t fixed = is_whole(build) ? (uint64_t)build->inode_count *
						   HOT_BUILD_INODE_SIZE
					 : 0;
	bool is_complete = true;
	int r = clean_root(build->root_fd);

	if (r < 0)
		return r;
	if (is_whole(build) && (build->inode_count > HOT_BUILD_INODES_MAX ||
				fixed > options->size_max / 2))
		return -ENOTSUP;
	choose_file_size(build, options->size_max - fixed);
	if (!is_whole(build))
		r = mark_needed(build);
	if (r < 0)
		return r;
	return make_entries(build, INDEX_ROOT, build->root_fd, 0, &is_complete);
}

static void build_fini(struct build *build)
{
	for (uint32_t i = 0; build->first_names && i <= build->inode_count; i++)
		free(build->first_names[i]);
	free(build->first_names);
	free(build->is_needed);
	if (build->root_fd >= 0)
		close(build->root_fd);
}

static int build_kind(struct hot_folder *folder,
		      const struct hot_build_options *options,
		      enum hot_stamp_kind kind, struct error *err)
{
	struct index_figures figures;
	int64_t start_ms = clock_ms();
	struct build build = {
		.options = options,
		.rules = {
			.index = options->index,
			.maps_ids = options->maps_ids,
		},
		.stamp = {
			.kind = kind,
			.maps_ids = options->maps_ids,
			.index_hash = index_file_hash(options->index),
		},
	};
	uint64_t generation = 0;
	int r;

	index_file_get_figures(options->index, &figures);
	build.inode_count = figures.inode_count;
	build.root_fd = hot_folder_make_tree(folder, &generation, err);
	if (build.root_fd < 0)
		return build.root_fd;
	build.stamp.generation = generation;
	r = make_all(&build);
	if (r < 0)
		error_set_errno(err, r, "cannot make a hot tree");
	build.stamp.built_s = clock_wall_s();
	build.stamp.build_ms = (uint64_t)(clock_ms() - start_ms);
	if (r == 0)
		r = hot_folder_publish(folder, &build.stamp, err);
	hot_folder_release_tree(folder, generation);
	/* the one before, if nobody uses it, or what failed */
	(void)hot_folder_sweep(folder);
	build_fini(&build);
	return r;
}

int hot_build(struct hot_folder *folder,
	      const struct hot_build_options *options, struct error *err)
{
	int r = -ENOTSUP;

	if (options->wants_whole)
		r = build_kind(folder, options, HOT_STAMP_WHOLE, err);
	if (r == -ENOTSUP)
		r = build_kind(folder, options, HOT_STAMP_PARTIAL, err);
	return r;
}
