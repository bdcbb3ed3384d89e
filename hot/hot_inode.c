/* SPDX-License-Identifier: Apache-2.0 */
#include "hot/hot_inode.h"

#include "common/cleanup.h"
#include "index/index_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define METACOPY "user.overlay.metacopy"
#define REDIRECT "user.overlay.redirect"
#define OPAQUE	 "user.overlay.opaque"
/* As short as can be: with both attributes in the inode itself, a pointer
 * takes no block on ext4. */
#define TARGET "/.lazyrun:%x"

enum { NAME_SIZE = 256, VALUE_SIZE_MAX = 65536 };

/* What a file system or this user's rights cannot do is no failure of ours. */
static int as_unsupported(int code)
{
	static const int wanting[] = {
		EPERM,	   EOPNOTSUPP, EFBIG,  EINVAL, E2BIG,
		EOVERFLOW, EMLINK,     ENOSYS, ERANGE, ENAMETOOLONG,
	};

	for (size_t i = 0; i < sizeof(wanting) / sizeof(wanting[0]); i++)
		if (code == -wanting[i])
			return -ENOTSUP;
	return code;
}

static bool is_privileged_xattr(const char *name)
{
	return strncmp(name, "trusted.", 8) == 0;
}

/* Overlayfs would act on it, or the kernel on more than its bytes. */
static bool is_active_xattr(const char *name)
{
	return strncmp(name, "user.overlay.", 13) == 0 ||
	       strncmp(name, "trusted.overlay.", 16) == 0 ||
	       strncmp(name, "system.", 7) == 0;
}

static int set_xattr(const char *path, int fd, const char *name,
		     const struct index_xattr *xattr)
{
	int r = path ? lsetxattr(path, name, xattr->value, xattr->value_size, 0)
		     : fsetxattr(fd, name, xattr->value, xattr->value_size, 0);

	if (r < 0)
		return errno == ENOSPC ? -ENOTSUP : as_unsupported(-errno);
	return 0;
}

/* @path: of what has no descriptor, else NULL */
static int set_xattrs(const struct hot_inode_rules *rules, const char *path,
		      int fd, const struct index_inode *inode)
{
	for (uint32_t i = 0; inode->has_xattrs; i++) {
		struct index_xattr xattr;
		char name[NAME_SIZE];
		int r = index_file_get_xattr(rules->index, inode->number, i,
					     &xattr);

		if (r == -ENODATA)
			return 0;
		if (r < 0)
			return r;
		if (xattr.name_size >= sizeof(name))
			return -EBADMSG;
		memcpy(name, xattr.name, xattr.name_size);
		name[xattr.name_size] = '\0';
		if (is_active_xattr(name))
			return -ENOTSUP;
		if (rules->maps_ids && is_privileged_xattr(name))
			continue;
		r = set_xattr(path, fd, name, &xattr);
		if (r < 0)
			return r;
	}
	return 0;
}

static void get_times(const struct index_inode *inode, struct timespec ret[2])
{
	ret[0] = (struct timespec){
		.tv_sec = inode->mtime_s,
		.tv_nsec = inode->mtime_ns,
	};
	ret[1] = ret[0];
}

/* Is what the kernel shows what the index says? */
static int compare(const struct hot_inode_rules *rules, const struct stat *st,
		   const struct index_inode *inode)
{
	uid_t uid = rules->maps_ids ? geteuid() : inode->uid;
	gid_t gid = rules->maps_ids ? getegid() : inode->gid;
	bool is_same = st->st_mode == inode->mode && st->st_uid == uid &&
		       st->st_gid == gid &&
		       st->st_mtim.tv_sec == inode->mtime_s &&
		       st->st_mtim.tv_nsec == inode->mtime_ns;

	if (!S_ISDIR(inode->mode))
		is_same &= st->st_size == (off_t)inode->size;
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		is_same &= st->st_rdev ==
			   makedev(inode->rdev_major, inode->rdev_minor);
	return is_same ? 0 : -ENOTSUP;
}

static int make_symlink(const struct hot_inode_rules *rules, int dir_fd,
			const char *name, const struct index_inode *inode)
{
	char target[PATH_MAX];
	const char *bytes;
	size_t size;
	int r = index_file_get_symlink(rules->index, inode->number, &bytes,
				       &size);

	if (r < 0)
		return r;
	if (size >= sizeof(target))
		return -EBADMSG;
	memcpy(target, bytes, size);
	target[size] = '\0';
	if (symlinkat(target, dir_fd, name) < 0)
		return as_unsupported(-errno);
	return 0;
}

static int make_special(int dir_fd, const char *name,
			const struct index_inode *inode)
{
	dev_t device = makedev(inode->rdev_major, inode->rdev_minor);

	/* 0, 0: overlayfs takes it for a name that is not there */
	if (S_ISSOCK(inode->mode) || (S_ISCHR(inode->mode) && device == 0))
		return -ENOTSUP;
	if (mknodat(dir_fd, name, (inode->mode & S_IFMT) | 0600, device) < 0)
		return as_unsupported(-errno);
	return 0;
}

/* Attributes of what is no regular file and no directory. */
static int finish_by_name(const struct hot_inode_rules *rules, int dir_fd,
			  const char *name, const struct index_inode *inode)
{
	char path[NAME_SIZE + 40];
	struct timespec times[2];
	struct stat st;
	int r;

	get_times(inode, times);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
	if (!rules->maps_ids && fchownat(dir_fd, name, inode->uid, inode->gid,
					 AT_SYMLINK_NOFOLLOW) < 0)
		return as_unsupported(-errno);
	/* it was just made, and is no link: nothing is followed */
	if (!S_ISLNK(inode->mode) &&
	    fchmodat(dir_fd, name, inode->mode & 07777, 0) < 0)
		return as_unsupported(-errno);
	r = set_xattrs(rules, path, -1, inode);
	if (r < 0)
		return r;
	if (utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return as_unsupported(-errno);
	return compare(rules, &st, inode);
}

int hot_inode_make(const struct hot_inode_rules *rules, int dir_fd,
		   const char *name, const struct index_inode *inode)
{
	int r;

	assert(!S_ISDIR(inode->mode));
	if (S_ISREG(inode->mode)) {
		r = openat(dir_fd, name,
			   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			   0600);
		return r < 0 ? -errno : r;
	}
	r = S_ISLNK(inode->mode) ? make_symlink(rules, dir_fd, name, inode)
				 : make_special(dir_fd, name, inode);
	return r < 0 ? r : finish_by_name(rules, dir_fd, name, inode);
}

int hot_inode_point(int fd, const struct index_inode *inode)
{
	char target[sizeof(TARGET) + 8];
	int size = snprintf(target, sizeof(target), TARGET, inode->number);

	if (ftruncate(fd, (off_t)inode->size) < 0 ||
	    fsetxattr(fd, METACOPY, "", 0, 0) < 0 ||
	    fsetxattr(fd, REDIRECT, target, (size_t)size, 0) < 0)
		return errno == ENOSPC ? -ENOSPC : as_unsupported(-errno);
	return 0;
}

int hot_inode_is_pointer(int fd)
{
	if (fgetxattr(fd, METACOPY, NULL, 0) >= 0)
		return 1;
	return errno == ENODATA ? 0 : -errno;
}

int hot_inode_mark_opaque(int fd)
{
	return fsetxattr(fd, OPAQUE, "y", 1, 0) < 0 ? as_unsupported(-errno)
						    : 0;
}

int hot_inode_finish(const struct hot_inode_rules *rules, int fd,
		     const struct index_inode *inode)
{
	struct timespec times[2];
	struct stat st;
	int r;

	get_times(inode, times);
	if (fstat(fd, &st) < 0)
		return -errno;
	/* a directory with setgid above it gives its own group */
	if (rules->maps_ids && st.st_gid != getegid() &&
	    fchown(fd, (uid_t)-1, getegid()) < 0)
		return as_unsupported(-errno);
	if (!rules->maps_ids && fchown(fd, inode->uid, inode->gid) < 0)
		return as_unsupported(-errno);
	r = set_xattrs(rules, NULL, fd, inode);
	if (r < 0)
		return r;
	/* a change of owner takes setuid away, so the mode comes later */
	if (fchmod(fd, inode->mode & 07777) < 0 || futimens(fd, times) < 0 ||
	    fstat(fd, &st) < 0)
		return as_unsupported(-errno);
	return compare(rules, &st, inode);
}
