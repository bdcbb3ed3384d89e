/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_mount.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "run/run_path.h"
#include "run/run_user.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int say_no_fuse(int code, struct error *err)
{
	if (code == -ENOENT || code == -ENODEV || code == -ENXIO)
		return error_set(err, -ENODEV,
				 "there is no /dev/fuse here: load the kernel "
				 "module (modprobe fuse), or give it to the "
				 "container (--device /dev/fuse)");
	if (code == -EACCES || code == -EPERM)
		return error_set(err, -EACCES,
				 "/dev/fuse may not be opened: it must be "
				 "readable and writable for everyone (chmod "
				 "666 /dev/fuse)");
	return error_set_errno(err, code, "cannot open /dev/fuse");
}

int run_mount_fuse(const char *dir, uid_t uid, gid_t gid, struct error *err)
{
	autoclose int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[160];

	if (fd < 0)
		return say_no_fuse(-errno, err);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40755,user_id=%u,group_id=%u,"
		 "default_permissions,allow_other,max_read=1048576",
		 fd, uid, gid);
	if (mount("lazyrun", dir, "fuse.lazyrun",
		  MS_RDONLY | MS_NOSUID | MS_NODEV, options) == 0)
		return STEAL_FD(fd);
	if (errno == EPERM || errno == EACCES)
		return error_set(err, -EPERM,
				 "FUSE may not be mounted here: %s",
				 run_user_obstacle());
	return error_set_errno(err, -errno, "cannot mount FUSE on %s", dir);
}

int run_mount_overlay(const char *dir, const struct run_overlay *overlay,
		      struct error *err)
{
	bool has_hot = overlay->hot_fd >= 0;
	char layers[RUN_OVERLAY_LAYERS_MAX * 32] = "";
	char hot[40] = "";
	char options[sizeof(layers) + 256];
	int len = 0;

	assert(overlay->layer_count <= RUN_OVERLAY_LAYERS_MAX);
	for (unsigned i = 0; i < overlay->layer_count; i++)
		len += snprintf(layers + len, sizeof(layers) - (size_t)len,
				"/proc/self/fd/%d:", overlay->layer_fds[i]);
	if (has_hot)
		snprintf(hot, sizeof(hot), "/proc/self/fd/%d%s",
			 overlay->hot_fd, overlay->hot_is_whole ? "::" : ":");
	snprintf(options, sizeof(options),
		 "lowerdir=%s%s/proc/self/fd/%d,"
		 "upperdir=/proc/self/fd/%d/upper,"
		 "workdir=/proc/self/fd/%d/work%s",
		 layers, hot, overlay->image_fd, overlay->staging_fd,
		 overlay->staging_fd,
		 overlay->is_mapped || has_hot ? ",userxattr" : "");
	if (mount("overlay", dir, "overlay", MS_NOSUID | MS_NODEV, options) ==
	    0)
		return 0;
	if (errno == ENODEV)
		return error_set(err, -ENODEV,
				 "this kernel has no overlayfs: load the "
				 "module (modprobe overlay)");
	if (errno == EPERM || errno == EACCES)
		return error_set(err, -EPERM,
				 "overlayfs may not be mounted here; an "
				 "ordinary user needs Linux 5.11 or newer, and "
				 "%s",
				 run_user_obstacle());
	return error_set_errno(err, -errno, "cannot mount overlayfs");
}

static int set_attributes(int fd, unsigned how, uint64_t set,
			  uint64_t propagation, struct error *err)
{
	struct mount_attr attr = {
		.attr_set = set,
		.propagation = propagation,
	};

	if (mount_setattr(fd, "", AT_EMPTY_PATH | how, &attr, sizeof(attr)) ==
	    0)
		return 0;
	if (errno == ENOSYS)
		return error_set(err, -ENOSYS,
				 "this kernel has no mount_setattr(): lazyrun "
				 "needs Linux 5.12 or newer");
	return error_set_errno(err, -errno, "cannot restrict a mount");
}

int run_mount_set_read_only(int fd, struct error *err)
{
	return set_attributes(fd, 0, MOUNT_ATTR_RDONLY, 0, err);
}

int run_mount_set_unbindable(int fd, struct error *err)
{
	return set_attributes(fd, 0, 0, MS_UNBINDABLE, err);
}

int run_mount_leave_host(struct error *err)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
		return 0;
	if (errno == EPERM || errno == EACCES)
		return error_set(err, -EPERM, "nothing may be mounted here: %s",
				 run_user_obstacle());
	return error_set_errno(err, -errno,
			       "cannot part from the host's mounts");
}

static uint64_t to_attributes(unsigned flags)
{
	uint64_t set = MOUNT_ATTR_NOSUID;

	if (!(flags & RUN_MOUNT_DEVICES))
		set |= MOUNT_ATTR_NODEV;
	if (flags & RUN_MOUNT_READ_ONLY)
		set |= MOUNT_ATTR_RDONLY;
	if (flags & RUN_MOUNT_NO_EXEC)
		set |= MOUNT_ATTR_NOEXEC;
	return set;
}

static int clone_source(const char *source, struct stat *ret_st)
{
	autoclose int fd =
		open_tree(AT_FDCWD, source,
			  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (fd < 0)
		return -errno;
	if (fstat(fd, ret_st) < 0)
		return -errno;
	return STEAL_FD(fd);
}

static int say_bad_source(const char *source, int code, struct error *err)
{
	if (code == -ENOENT)
		return error_set(err, code,
				 "%s cannot be bound: it does not exist on "
				 "this host",
				 source);
	if (code == -ENOSYS)
		return error_set(err, code,
				 "this kernel has no open_tree(): lazyrun "
				 "needs Linux 5.12 or newer");
	return error_set_errno(err, code, "%s cannot be bound", source);
}

static bool is_same(int a_fd, int b_fd)
{
	struct stat a;
	struct stat b;

	return fstat(a_fd, &a) == 0 && fstat(b_fd, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int run_mount_attach(int mount_fd, int target_fd)
{
	return move_mount(mount_fd, "", target_fd, "",
			  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
		       ? -errno
		       : 0;
}

static int attach(struct run_path_root *root, int mount_fd, const char *target,
		  enum run_path_kind kind, unsigned flags, struct error *err)
{
	autoclose int target_fd = -1;
	int r;

	target_fd = flags & RUN_MOUNT_REPLACE_LINK
			    ? run_path_make_in_place(root, target, kind, err)
			    : run_path_make(root, target, kind, err);
	if (target_fd < 0)
		return target_fd;
	if (is_same(target_fd, root->fd))
		return error_set(err, -EBUSY,
				 "%s is the root itself in the image: nothing "
				 "can be mounted there",
				 target);
	r = run_mount_attach(mount_fd, target_fd);
	if (r < 0)
		return error_set_errno(err, r, "cannot mount at %s", target);
	if (flags & RUN_MOUNT_OWN)
		run_path_add_own(root, mount_fd);
	return 0;
}

int run_mount_clone(const char *source, unsigned flags)
{
	struct stat st;
	autoclose int fd = clone_source(source, &st);
	int r;

	if (fd < 0)
		return fd;
	r = set_attributes(fd, AT_RECURSIVE, to_attributes(flags), 0, NULL);
	return r < 0 ? r : STEAL_FD(fd);
}

int run_mount_bind(struct run_path_root *root, const char *source,
		   const char *target, unsigned flags, struct error *err)
{
	autoclose int tree_fd = -1;
	enum run_path_kind kind;
	struct stat st;
	int r;

	tree_fd = clone_source(source, &st);
	if (tree_fd == -ENOENT && flags & RUN_MOUNT_OPTIONAL)
		return 0;
	if (tree_fd < 0)
		return say_bad_source(source, tree_fd, err);
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		flags |= RUN_MOUNT_DEVICES;
	r = set_attributes(tree_fd, AT_RECURSIVE, to_attributes(flags), 0, err);
	if (r < 0)
		return error_prefix(err, r, "%s", source);
	kind = S_ISDIR(st.st_mode) ? RUN_PATH_DIRECTORY : RUN_PATH_FILE;
	return attach(root, tree_fd, target, kind, flags, err);
}

static int configure(int fs_fd, const struct run_mount_option *options)
{
	for (; options->name; options++)
		if (fsconfig(fs_fd,
			     options->value ? FSCONFIG_SET_STRING
					    : FSCONFIG_SET_FLAG,
			     options->name, options->value, 0) < 0)
			return -errno;
	if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	return 0;
}

int run_mount_make(const char *type, const struct run_mount_option *options,
		   unsigned flags)
{
	autoclose int fs_fd = fsopen(type, FSOPEN_CLOEXEC);
	int fd;
	int r;

	if (fs_fd < 0)
		return -errno;
	r = configure(fs_fd, options);
	if (r < 0)
		return r;
	fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned)to_attributes(flags));
	return fd < 0 ? -errno : fd;
}

int run_mount_make_fuse(int *ret_mount_fd, struct error *err)
{
	autoclose int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char number[16];
	const struct run_mount_option options[] = {
		{ "source", "lazyrun" },
		{ "subtype", "lazyrun" },
		{ "fd", number },
		{ "rootmode", "40755" },
		{ "user_id", "0" },
		{ "group_id", "0" },
		{ "default_permissions", NULL },
		{ "allow_other", NULL },
		{ "max_read", "1048576" },
		{ "ro", NULL },
		{ NULL, NULL },
	};
	int mount_fd;

	if (fd < 0)
		return say_no_fuse(-errno, err);
	snprintf(number, sizeof(number), "%d", fd);
	mount_fd = run_mount_make("fuse", options, RUN_MOUNT_READ_ONLY);
	if (mount_fd == -EPERM || mount_fd == -EACCES)
		return error_set(err, -EPERM,
				 "FUSE may not be mounted here: %s",
				 run_user_obstacle());
	if (mount_fd < 0)
		return error_set_errno(err, mount_fd, "cannot mount FUSE");
	*ret_mount_fd = mount_fd;
	return STEAL_FD(fd);
}

int run_mount_tmpfs(struct run_path_root *root, const char *target, mode_t mode,
		    uint64_t size, unsigned flags, struct error *err)
{
	char mode_text[16];
	char size_text[32];
	const struct run_mount_option options[] = {
		{ "mode", mode_text },
		{ size > 0 ? "size" : NULL, size_text },
		{ NULL, NULL },
	};
	autoclose int fd = -1;
	int r;

	snprintf(mode_text, sizeof(mode_text), "%o", mode);
	snprintf(size_text, sizeof(size_text), "%" PRIu64, size);
	fd = run_mount_make("tmpfs", options, flags);
	if (fd < 0)
		return error_set_errno(err, fd, "cannot make a tmpfs for %s",
				       target);
	r = attach(root, fd, target, RUN_PATH_DIRECTORY, flags | RUN_MOUNT_OWN,
		   err);
	return r < 0 ? r : STEAL_FD(fd);
}

/* Takes a mount off again that run_mount_attach() has put somewhere. */
static void detach(int mount_fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", mount_fd);
	(void)umount2(path, MNT_DETACH);
}

/* A mount, attached to nothing, whose root is a file with @text.  Before Linux
 * 6.15 only what is attached can be cloned: so the folder lies on the root
 * meanwhile, which hides nothing from who has that open. */
static int make_file_mount(int root_fd, const char *text)
{
	static const struct run_mount_option small_options[] = {
		{ "size", "1m" },
		{ NULL, NULL },
	};
	autoclose int tmpfs =
		run_mount_make("tmpfs", small_options, RUN_MOUNT_NO_EXEC);
	autoclose int file = -1;
	int fd;
	int r;

	if (tmpfs < 0)
		return tmpfs;
	file = openat(tmpfs, "file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      0444);
	if (file < 0)
		return -errno;
	r = io_write_full(file, text, strlen(text));
	if (r == 0)
		r = run_mount_attach(tmpfs, root_fd);
	if (r < 0)
		return r;
	fd = open_tree(tmpfs, "file", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	detach(tmpfs);
	return fd;
}

int run_mount_mask(int root_fd, const char *path, const char *text,
		   struct error *err)
{
	autoclose int target = run_path_open(root_fd, path, O_PATH);
	autoclose int mount_fd = -1;
	struct stat st;
	int r;

	if (target < 0 || fstat(target, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	mount_fd = make_file_mount(root_fd, text);
	if (mount_fd < 0)
		return error_set_errno(err, mount_fd, "%s cannot be masked",
				       path);
	r = run_mount_set_read_only(mount_fd, err);
	if (r < 0)
		return r;
	r = run_mount_attach(mount_fd, target);
	if (r < 0)
		return error_set_errno(err, r, "%s cannot be masked", path);
	return 0;
}

int run_mount_pivot(int root_fd, struct error *err)
{
	if (fchdir(root_fd) < 0)
		return error_set_errno(err, -errno, "cannot enter the root");
	if (syscall(SYS_pivot_root, ".", ".") == 0) {
		/* The old root lies on the new one now; "." is below it. */
		if (umount2(".", MNT_DETACH) < 0)
			return error_set_errno(err, -errno,
					       "cannot leave the host's root");
	} else if (errno == EINVAL) {
		/* The host runs from its initramfs, which cannot move. */
		if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
			return error_set_errno(err, -errno,
					       "cannot change the root");
	} else {
		return error_set_errno(err, -errno, "cannot change the root");
	}
	if (chdir("/") < 0)
		return error_set_errno(err, -errno, "cannot enter the root");
	return 0;
}
