/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_root.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/log.h"
#include "run/run.h"
#include "run/run_bind.h"
#include "run/run_etc.h"
#include "run/run_mount.h"
#include "run/run_path.h"
#include "run/run_private.h"
#include "run/run_user.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Directories that may carry our mounts: they need only exist and be of no
 * use to a job, since binds from below them see the mounts instead.
 */
static const char *const staging_dirs[] = {
	"/proc/tty",
	"/sys/fs/fuse/connections",
	"/mnt",
	"/tmp",
};

/* What a read-only root can have written to it: mount points, /etc/passwd. */
static const char closed_size[] = "size=64m";

static int open_dir(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int find_staging_dir(struct run_root *root, struct error *err)
{
	struct stat st;

	for (size_t i = 0; i < sizeof(staging_dirs) / sizeof(*staging_dirs);
	     i++) {
		if (stat(staging_dirs[i], &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		root->dir = staging_dirs[i];
		return 0;
	}
	return error_set(err, -ENOENT,
			 "none of %s, %s, %s is a directory: one is needed to "
			 "mount the image on",
			 staging_dirs[0], staging_dirs[2], staging_dirs[3]);
}

int run_root_mount_fuse(struct run_root *root, struct error *err)
{
	autoclose int fuse_fd = -1;
	int r;

	assert(root->image_fd < 0);
	r = find_staging_dir(root, err);
	if (r < 0)
		return r;
	/* Within a user namespace of ours, we are its root. */
	fuse_fd = run_mount_fuse(root->dir, 0, 0, err);
	if (fuse_fd < 0)
		return fuse_fd;
	root->image_fd = open_dir(root->dir);
	if (root->image_fd < 0)
		return error_set_errno(err, root->image_fd, "cannot open %s",
				       root->dir);
	root->has_fuse = true;
	return STEAL_FD(fuse_fd);
}

int run_root_take_fuse(struct run_root *root, struct error *err)
{
	int r;

	assert(root->image_fd < 0);
	r = find_staging_dir(root, err);
	if (r < 0)
		return r;
	root->image_fd = open_dir(root->dir);
	if (root->image_fd < 0)
		return error_set_errno(err, root->image_fd, "cannot open %s",
				       root->dir);
	root->has_fuse = true;
	return 0;
}

int run_root_leave_image(struct run_root *root, struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return error_set_errno(err, -errno,
				       "cannot make a mount namespace");
	if (!root->has_fuse)
		return 0;
	/* The copy has a mount of its own. */
	close(STEAL_FD(root->image_fd));
	root->image_fd = open_dir(root->dir);
	return root->image_fd < 0 ? error_set_errno(err, root->image_fd,
						    "cannot open %s", root->dir)
				  : 0;
}

int run_root_open_directory(struct run_root *root, const char *path,
			    struct error *err)
{
	int r;

	assert(root->image_fd < 0);
	r = find_staging_dir(root, err);
	if (r < 0)
		return r;
	root->image_fd = open_dir(path);
	if (root->image_fd < 0)
		return error_set_errno(err, root->image_fd, "cannot open %s",
				       path);
	return 0;
}

/* The overlay's root takes its mode from the upper directory. */
static int make_upper(int staging_fd, int image_fd, struct error *err)
{
	struct stat st;

	if (fstat(image_fd, &st) < 0)
		return error_set_errno(err, -errno,
				       "cannot read the image's root");
	if (mkdirat(staging_fd, "work", 0700) < 0 && errno != EEXIST)
		return error_set_errno(err, -errno,
				       "cannot prepare the root's upper layer");
	if (mkdirat(staging_fd, "upper", 0755) < 0)
		return errno == EEXIST ? 0
				       : error_set_errno(err, -errno,
							 "cannot prepare the "
							 "root's upper layer");
	if (fchmodat(staging_fd, "upper", st.st_mode & 07777, 0) < 0)
		return error_set_errno(err, -errno,
				       "cannot prepare the root's upper layer");
	return 0;
}

/* The user's own directories, while no mount of ours can hide them. */
struct overlays {
	int upper_fd; /* -1: none */
	int layer_fds[RUN_OVERLAY_LAYERS_MAX];
	unsigned layer_count;
};

static void close_overlays(struct overlays *overlays)
{
	for (unsigned i = 0; i < overlays->layer_count; i++)
		close(overlays->layer_fds[i]);
	if (overlays->upper_fd >= 0)
		close(overlays->upper_fd);
}

/* A directory, or the next of the mounted layers. */
static int open_layer(const struct run_layers *layers, unsigned *next,
		      const char *path)
{
	if (path)
		return open_dir(path);
	return *next < layers->count ? run_layer_open(layers, (*next)++)
				     : -ENOENT;
}

static int open_overlays(const struct run_root *root, const struct run_job *job,
			 struct overlays *ret, struct error *err)
{
	unsigned next = 0;

	for (size_t i = 0; i < job->overlay_count; i++) {
		const char *path = job->overlays[i];
		int fd = ret->layer_count < RUN_OVERLAY_LAYERS_MAX
				 ? open_layer(&root->layers, &next, path)
				 : -EFBIG;

		if (fd < 0)
			return error_set_errno(err, fd, "overlay %s",
					       path ? path : "in a file");
		ret->layer_fds[ret->layer_count++] = fd;
	}
	if (!job->overlay_upper)
		return 0;
	ret->upper_fd = open_dir(job->overlay_upper);
	if (ret->upper_fd < 0)
		return error_set_errno(err, ret->upper_fd, "overlay %s",
				       job->overlay_upper);
	return 0;
}

/* A whole one may lack devices, which only a mount on /dev makes up for. */
static bool can_use_hot_tree(const struct run_job *job)
{
	return job->hot_tree &&
	       !(job->hot_tree_is_whole && job->omitted & RUN_STANDARD_DEV);
}

/* Without the hot tree where it cannot be mounted. */
static int mount_layers(const struct run_root *root, const struct run_job *job,
			const struct overlays *overlays, int staging_fd,
			int hot_fd, struct error *err)
{
	struct run_overlay overlay = {
		.layer_count = overlays->layer_count,
		.image_fd = root->image_fd,
		.hot_fd = hot_fd,
		.hot_is_whole = job->hot_tree_is_whole,
		.staging_fd = staging_fd,
		.is_mapped = root->is_mapped,
	};
	struct error own;

	memcpy(overlay.layer_fds, overlays->layer_fds,
	       sizeof(overlay.layer_fds));
	if (hot_fd >= 0) {
		if (run_mount_overlay(root->dir, &overlay, &own) == 0)
			return 0;
		log_event(LOG_DEBUG, "run", "op=hot text=\"%s\"", own.text);
		overlay.hot_fd = -1;
	}
	return run_mount_overlay(root->dir, &overlay, err);
}

static int prepare_upper(const struct run_root *root, const struct run_job *job,
			 const char *host_cwd, int staging_fd,
			 struct error *err)
{
	autoclose int upper_fd =
		openat(staging_fd, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (upper_fd < 0)
		return error_set_errno(err, -errno,
				       "cannot prepare the root in memory");
	return run_bind_prepare(root->image_fd, upper_fd, job, host_cwd, err);
}

/* Where nothing else lies between image and upper layer, and the ids are all
 * ours.  Files of a hot tree that only point to the image's have an attribute,
 * so they are left alone. */
static void prepare_etc(struct run_root *root, const struct run_job *job,
			const struct run_user *user,
			const struct overlays *overlays, int staging_fd,
			int hot_fd)
{
	autoclose int upper_fd = -1;

	if (!root->has_fuse || !root->is_mapped || overlays->upper_fd >= 0 ||
	    overlays->layer_count > 0)
		return;
	upper_fd =
		openat(staging_fd, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (upper_fd >= 0)
		root->etc_done =
			run_etc_prepare(hot_fd < 0 ? root->image_fd : hot_fd,
					upper_fd, user, job->home);
}

/* Binds of /proc or / shall not show the bare image to the job, nor what lies
 * on it. */
static int lowest_mount(const struct run_root *root, int staging_fd)
{
	if (root->has_fuse)
		return root->image_fd;
	return root->layers.count > 0 ? root->layers.fds[0] : staging_fd;
}

static int mount_over_image(struct run_root *root, const struct run_job *job,
			    const struct run_user *user, const char *host_cwd,
			    const struct overlays *overlays, struct error *err)
{
	autoclose int staging_fd = -1;
	autoclose int hot_fd = -1;
	char options[64];
	int upper_fd;
	int r;

	/* while no mount of ours can hide it */
	if (can_use_hot_tree(job))
		hot_fd = open_dir(job->hot_tree);
	if (!job->is_writable)
		snprintf(options, sizeof(options), "mode=0700,%s", closed_size);
	else if (job->writable_size > 0)
		snprintf(options, sizeof(options), "mode=0700,size=%" PRIu64,
			 job->writable_size);
	else
		snprintf(options, sizeof(options), "mode=0700");
	r = run_layer_attach(&root->layers, root->dir, err);
	if (r < 0)
		return r;
	if (mount("tmpfs", root->dir, "tmpfs", MS_NOSUID | MS_NODEV, options) <
	    0)
		return error_set_errno(err, -errno, "cannot mount a tmpfs");
	staging_fd = open_dir(root->dir);
	if (staging_fd < 0)
		return error_set_errno(err, staging_fd, "cannot open %s",
				       root->dir);
	upper_fd = overlays->upper_fd < 0 ? staging_fd : overlays->upper_fd;
	r = make_upper(upper_fd, root->image_fd, err);
	if (r == 0 && !root->has_fuse && root->is_mapped)
		r = prepare_upper(root, job, host_cwd, upper_fd, err);
	if (r < 0)
		return r;
	prepare_etc(root, job, user, overlays, staging_fd, hot_fd);
	r = mount_layers(root, job, overlays, upper_fd, hot_fd, err);
	if (r < 0)
		return r;
	root->path.fd = open_dir(root->dir);
	if (root->path.fd < 0)
		return error_set_errno(err, root->path.fd,
				       "cannot open the root");
	return run_mount_set_unbindable(lowest_mount(root, staging_fd), err);
}

static int mount_overlay(struct run_root *root, const struct run_job *job,
			 const struct run_user *user, const char *host_cwd,
			 struct error *err)
{
	struct overlays overlays = { .upper_fd = -1 };
	int r = open_overlays(root, job, &overlays, err);

	if (r == 0)
		r = mount_over_image(root, job, user, host_cwd, &overlays, err);
	close_overlays(&overlays);
	return r;
}

/* The directory itself, as one mount: nothing can be made in it for the job. */
static int mount_directory(struct run_root *root, const struct run_job *job,
			   struct error *err)
{
	autoclose int below_fd = -1;
	autoclose int mount_fd = -1;
	char source[64];
	int r;

	if (root->has_fuse || job->link_count > 0)
		return error_set(
			err, -ENOTSUP,
			"a job that writes to its image cannot be "
			"given a driver's libraries: use --overlay DIR "
			"or --writable-tmpfs with GPUs");
	snprintf(source, sizeof(source), "/proc/self/fd/%d", root->image_fd);
	mount_fd = run_mount_clone(source, 0);
	if (mount_fd < 0)
		return error_set_errno(err, mount_fd, "cannot mount the image");
	/* Binds of /proc or / shall not show the root once more. */
	if (mount("tmpfs", root->dir, "tmpfs", MS_NOSUID | MS_NODEV,
		  closed_size) < 0)
		return error_set_errno(err, -errno, "cannot mount a tmpfs");
	below_fd = open_dir(root->dir);
	r = below_fd < 0 ? below_fd : run_mount_attach(mount_fd, below_fd);
	if (r < 0)
		return error_set_errno(err, r, "cannot mount the image");
	r = run_mount_set_unbindable(below_fd, err);
	if (r < 0)
		return r;
	root->path.fd = open_dir(root->dir);
	root->path.is_foreign = true;
	return root->path.fd < 0 ? error_set_errno(err, root->path.fd,
						   "cannot open the root")
				 : 0;
}

/* What lies in the root itself: before anything is mounted over it. */
static int make_entries(int root_fd, const struct run_job *job,
			struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->link_count; i++)
		r = run_path_make_link(root_fd, job->links[i].path,
				       job->links[i].target, err);
	for (size_t i = 0; r == 0 && i < job->file_count; i++)
		if (!job->files[i].is_mask)
			r = run_path_make_file(root_fd, job->files[i].path,
					       job->files[i].text, err);
	return r;
}

static int mask_all(int root_fd, const struct run_job *job, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->file_count; i++)
		if (job->files[i].is_mask)
			r = run_mount_mask(root_fd, job->files[i].path,
					   job->files[i].text, err);
	return r;
}

int run_root_assemble(struct run_root *root, const struct run_job *job,
		      const struct run_user *user, const char *host_cwd,
		      struct error *err)
{
	struct error etc_err;
	int r;

	assert(root->image_fd >= 0 && root->path.fd < 0);
	r = job->writes_image ? mount_directory(root, job, err)
			      : mount_overlay(root, job, user, host_cwd, err);
	if (r < 0)
		return r;
	if (root->path.waits_for_private)
		root->path.waits_for_private =
			run_private_can_wait(root->path.fd, job, host_cwd);
	/* Files of other users cannot be changed when a directory is the image;
	 * the job can do without a name. */
	if (!job->writes_image &&
	    run_etc_add_user(root->path.fd, user, job->home, root->etc_done,
			     &etc_err) < 0)
		log_event(LOG_DEBUG, "run", "op=etc text=\"%s\"", etc_err.text);
	r = make_entries(root->path.fd, job, err);
	if (r == 0)
		r = run_bind_standard(&root->path, job, root->has_ipc, host_cwd,
				      err);
	if (r == 0)
		r = run_bind_asked(&root->path, job, err);
	return r < 0 ? r : mask_all(root->path.fd, job, err);
}

int run_root_enter(struct run_root *root, bool is_writable, struct error *err)
{
	int r;

	assert(root->path.fd >= 0);
	if (!is_writable) {
		r = run_mount_set_read_only(root->path.fd, err);
		if (r < 0)
			return r;
	}
	return run_mount_pivot(root->path.fd, err);
}
