/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_private.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "run/run_bind.h"
#include "run/run_job.h"
#include "run/run_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	BINDS_MAX = 256, /* each is compared with each */
};

static bool has_own_dev(const struct run_job *job)
{
	return job->has_minimal_dev && !(job->omitted & RUN_STANDARD_DEV);
}

/* Of the own directories in memory by number, after that /dev; NULL: no more */
static const char *find_private(const struct run_job *job, size_t *number)
{
	for (; *number < job->bind_count; ++*number)
		if (!job->binds[*number].source)
			return job->binds[(*number)++].destination;
	if ((*number)++ == job->bind_count && has_own_dev(job))
		return "/dev";
	return NULL;
}

/* The same path, or one a folder on the way to the other. */
static bool overlap(const char *a, const char *b)
{
	for (;;) {
		size_t size;

		a += strspn(a, "/");
		b += strspn(b, "/");
		size = strcspn(a, "/");
		if (size == 0 || *b == '\0')
			return true;
		if (strcspn(b, "/") != size || memcmp(a, b, size) != 0)
			return false;
		a += size;
		b += size;
	}
}

/* No link of the image or of a directory that is bound before may lead it to
 * one of them. */
static bool is_apart(const struct run_job *job, int root_fd,
		     const char *host_cwd, const char *place)
{
	const char *path;

	for (size_t i = 0; (path = find_private(job, &i));)
		if (overlap(place, path))
			return false;
	for (size_t i = 0; (path = run_bind_find_place(job, host_cwd, &i));)
		if (strcmp(path, place) != 0 && overlap(place, path))
			return false;
	return run_path_is_plain(root_fd, place);
}

bool run_private_can_wait(int root_fd, const struct run_job *job,
			  const char *host_cwd)
{
	const char *path;
	size_t first = 0;

	if (!find_private(job, &first))
		return true;
	if (job->bind_count > BINDS_MAX)
		return false;
	for (size_t i = 0; (path = find_private(job, &i));)
		if (!run_path_is_plain(root_fd, path) ||
		    (i <= job->bind_count && overlap(path, "/dev")))
			return false;
	for (size_t i = 0; (path = run_bind_find_place(job, host_cwd, &i));)
		if (!is_apart(job, root_fd, host_cwd, path))
			return false;
	return true;
}

static int open_root(struct run_path_root *ret, struct error *err)
{
	*ret = (struct run_path_root){
		.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	return ret->fd < 0
		       ? error_set_errno(err, -errno, "cannot open the root")
		       : 0;
}

int run_private_mount_dev(const struct run_job *job, bool has_ipc,
			  struct error *err)
{
	struct run_path_root root;
	int r;

	if (!has_own_dev(job))
		return 0;
	r = open_root(&root, err);
	if (r < 0)
		return r;
	r = run_bind_private_dev(&root, job, has_ipc, err);
	close(root.fd);
	return r;
}

int run_private_mount_directories(const struct run_job *job, struct error *err)
{
	struct run_path_root root;
	size_t i = 0;
	int r;

	find_private(job, &i);
	if (i > job->bind_count)
		return 0;
	r = open_root(&root, err);
	if (r < 0)
		return r;
	r = run_bind_private(&root, job, err);
	close(root.fd);
	return r;
}
