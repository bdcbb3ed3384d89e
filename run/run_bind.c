/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_bind.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/log.h"
#include "run/run.h"
#include "run/run_dev.h"
#include "run/run_mount.h"
#include "run/run_path.h"
#include "run/run_upper.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct standard_mount {
	const char *path; /* on the host and in the root */
	unsigned flags;
	enum run_standard_mount which;
};

static const struct standard_mount standard_mounts[] = {
	{ "/proc", RUN_MOUNT_NO_EXEC, RUN_STANDARD_PROC },
	{ "/sys", RUN_MOUNT_NO_EXEC | RUN_MOUNT_READ_ONLY, RUN_STANDARD_SYS },
	{ "/dev", RUN_MOUNT_DEVICES, RUN_STANDARD_DEV },
	{ "/tmp", 0, RUN_STANDARD_TMP },
	{ "/var/tmp", 0, RUN_STANDARD_TMP },
	{ "/etc/resolv.conf", RUN_MOUNT_REPLACE_LINK, RUN_STANDARD_ETC },
	{ "/etc/hosts", RUN_MOUNT_REPLACE_LINK, RUN_STANDARD_ETC },
	{ "/etc/localtime", RUN_MOUNT_REPLACE_LINK, RUN_STANDARD_ETC },
};

/* A working directory that the image's own would be hidden by. */
static const char *const image_dirs[] = {
	"/",	"/bin", "/etc",	 "/lib", "/lib64",
	"/mnt", "/opt", "/sbin", "/usr", "/var",
};

/* What no image can be the reason of. */
static bool is_fatal(int code)
{
	return code == -ENOSYS || code == -EPERM || code == -ENOMEM;
}

/* Left out where the image has no place for it. */
static int pass_over(const char *path, int code, const struct error *own,
		     struct error *err)
{
	if (code == 0)
		return 0;
	if (is_fatal(code))
		return error_set(err, code, "%s", own->text);
	log_event(LOG_DEBUG, "run", "op=bind path=\"%s\" text=\"%s\"", path,
		  own->text);
	return 0;
}

/* Whether a mount made before shows the host's directory already. */
static bool is_visible(const struct run_path_root *root, const char *source,
		       const char *path)
{
	autoclose int fd = run_path_open(root->fd, path, O_PATH);
	struct stat inside;
	struct stat outside;

	return fd >= 0 && fstat(fd, &inside) == 0 &&
	       stat(source, &outside) == 0 && inside.st_dev == outside.st_dev &&
	       inside.st_ino == outside.st_ino;
}

static bool is_image_dir(const char *path)
{
	for (size_t i = 0; i < sizeof(image_dirs) / sizeof(*image_dirs); i++)
		if (strcmp(path, image_dirs[i]) == 0)
			return true;
	return false;
}

/* /dev and what lies below, by whole components. */
static bool is_in_dev(const char *path)
{
	return strncmp(path, "/dev", 4) == 0 &&
	       (path[4] == '\0' || path[4] == '/');
}

static int bind_one(struct run_path_root *root, const struct run_job *job,
		    const struct run_bind *bind, struct error *err)
{
	unsigned flags = 0;
	int fd;

	if ((bind->source && bind->source[0] != '/') ||
	    bind->destination[0] != '/')
		return error_set(err, -EINVAL,
				 "bind %s to %s: both must be absolute paths",
				 bind->source ? bind->source : "memory",
				 bind->destination);
	if (bind->is_read_only)
		flags |= RUN_MOUNT_READ_ONLY;
	if (bind->is_optional)
		flags |= RUN_MOUNT_OPTIONAL;
	if (bind->is_own)
		flags |= RUN_MOUNT_OWN;
	if (!bind->source && root->waits_for_private) {
		fd = run_path_make(root, bind->destination, RUN_PATH_DIRECTORY,
				   err);
		if (fd < 0)
			return fd;
		close(fd);
		return 0;
	}
	if (!bind->source) {
		fd = run_mount_tmpfs(root, bind->destination, bind->mode,
				     job->writable_size, flags, err);
		if (fd < 0)
			return fd;
		close(fd);
		return 0;
	}
	if (is_in_dev(bind->source))
		flags |= RUN_MOUNT_DEVICES;
	return run_mount_bind(root, bind->source, bind->destination, flags,
			      err);
}

static int bind_standard(struct run_path_root *root, const struct run_job *job,
			 const struct run_bind *bind, struct error *err)
{
	struct error own;

	if (is_image_dir(bind->destination) ||
	    (bind->source && is_visible(root, bind->source, bind->destination)))
		return 0;
	return pass_over(bind->destination, bind_one(root, job, bind, &own),
			 &own, err);
}

static int bind_directory(struct run_path_root *root, const struct run_job *job,
			  const char *path, struct error *err)
{
	const struct run_bind bind = {
		.source = path,
		.destination = path,
		.is_optional = true,
	};

	if (!path || path[0] != '/')
		return 0;
	return bind_standard(root, job, &bind, err);
}

static int mount_minimal_dev(struct run_path_root *root,
			     const struct run_job *job, bool has_ipc,
			     struct error *err)
{
	struct error own;
	int r = root->waits_for_private
			? run_dev_mount_nodes(root, &own)
			: run_dev_mount(root,
					!(job->omitted & RUN_STANDARD_DEVPTS),
					has_ipc, &own);

	return pass_over("/dev", r, &own, err);
}

int run_bind_standard(struct run_path_root *root, const struct run_job *job,
		      bool has_ipc, const char *host_cwd, struct error *err)
{
	int r = 0;

	for (size_t i = 0;
	     i < sizeof(standard_mounts) / sizeof(*standard_mounts); i++) {
		const struct standard_mount *mount = &standard_mounts[i];
		unsigned flags = mount->flags | RUN_MOUNT_OPTIONAL;
		struct error own;

		if (mount->which & job->omitted)
			continue;
		if (mount->which == RUN_STANDARD_DEV && job->has_minimal_dev) {
			r = mount_minimal_dev(root, job, has_ipc, err);
		} else {
			/* a link on the host stays */
			if (root->is_foreign)
				flags &= ~(unsigned)RUN_MOUNT_REPLACE_LINK;
			r = run_mount_bind(root, mount->path, mount->path,
					   flags, &own);
			r = pass_over(mount->path, r, &own, err);
		}
		if (r < 0)
			return r;
	}
	if (!(job->omitted & RUN_STANDARD_HOME))
		r = bind_directory(root, job, job->home, err);
	if (r == 0 && !(job->omitted & RUN_STANDARD_CWD))
		r = bind_directory(root, job, host_cwd, err);
	return r;
}

const char *run_bind_standard_path(size_t number)
{
	return number < sizeof(standard_mounts) / sizeof(*standard_mounts)
		       ? standard_mounts[number].path
		       : NULL;
}

int run_bind_asked(struct run_path_root *root, const struct run_job *job,
		   struct error *err)
{
	for (size_t i = 0; i < job->bind_count; i++) {
		const struct run_bind *bind = &job->binds[i];
		int r = bind->is_standard ? bind_standard(root, job, bind, err)
					  : bind_one(root, job, bind, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int run_bind_private_dev(struct run_path_root *root, const struct run_job *job,
			 bool has_ipc, struct error *err)
{
	return mount_minimal_dev(root, job, has_ipc, err);
}

int run_bind_private(struct run_path_root *root, const struct run_job *job,
		     struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->bind_count; i++)
		if (!job->binds[i].source)
			r = bind_one(root, job, &job->binds[i], err);
	return r;
}

/* Of the @number-th standard mount; NULL: this job does not get it. */
static const char *standard_place(const struct run_job *job, size_t number)
{
	const struct standard_mount *mount = &standard_mounts[number];

	if (mount->which & job->omitted ||
	    (mount->which == RUN_STANDARD_DEV && job->has_minimal_dev))
		return NULL;
	/* a link of that name gives way */
	return mount->which == RUN_STANDARD_ETC ? "/etc" : mount->path;
}

static const char *bind_place(const struct run_bind *bind)
{
	if (!bind->source ||
	    (bind->is_standard && is_image_dir(bind->destination)))
		return NULL;
	return bind->destination;
}

/* Of home or the caller's directory. */
static const char *directory_place(const struct run_job *job, const char *path,
				   enum run_standard_mount which)
{
	if (job->omitted & which || !path || path[0] != '/' ||
	    is_image_dir(path))
		return NULL;
	return path;
}

const char *run_bind_find_place(const struct run_job *job, const char *host_cwd,
				size_t *number)
{
	const size_t standard_count =
		sizeof(standard_mounts) / sizeof(*standard_mounts);
	const char *place = NULL;

	while (!place && *number < standard_count + 2 + job->bind_count) {
		size_t i = (*number)++;

		if (i < standard_count)
			place = standard_place(job, i);
		else if (i == standard_count)
			place = directory_place(job, job->home,
						RUN_STANDARD_HOME);
		else if (i == standard_count + 1)
			place = directory_place(job, host_cwd,
						RUN_STANDARD_CWD);
		else
			place = bind_place(&job->binds[i - standard_count - 2]);
	}
	return place;
}

int run_bind_prepare(int image_fd, int upper_fd, const struct run_job *job,
		     const char *host_cwd, struct error *err)
{
	const char *const places[] = { job->home, host_cwd, job->cwd };
	int r = 0;

	for (size_t i = 0;
	     r == 0 && i < sizeof(standard_mounts) / sizeof(*standard_mounts);
	     i++)
		r = run_upper_prepare(image_fd, upper_fd,
				      standard_mounts[i].path, err);
	for (size_t i = 0; r == 0 && i < sizeof(places) / sizeof(*places); i++)
		if (places[i] && places[i][0] == '/')
			r = run_upper_prepare(image_fd, upper_fd, places[i],
					      err);
	for (size_t i = 0; r == 0 && i < job->bind_count; i++)
		r = run_upper_prepare(image_fd, upper_fd,
				      job->binds[i].destination, err);
	for (size_t i = 0; r == 0 && i < job->link_count; i++)
		r = run_upper_prepare(image_fd, upper_fd, job->links[i].path,
				      err);
	for (size_t i = 0; r == 0 && i < job->file_count; i++)
		r = run_upper_prepare(image_fd, upper_fd, job->files[i].path,
				      err);
	return r;
}
