/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/gpu_host.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

/* Of the kernel or of running services, wherever the driver's files are. */
static const char *const system_dirs[] = {
	"/proc/", "/sys/", "/dev/", "/run/", "/var/run/",
};

int gpu_host_open(const char *root, struct gpu_host *ret, struct error *err)
{
	if (!root || !root[0])
		root = "/";
	if (root[0] != '/')
		return error_set(err, -EINVAL,
				 "the driver's root \"%s\" is not an absolute "
				 "path",
				 root);
	ret->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->root_fd < 0)
		return error_set_errno(err, -errno,
				       "the driver's root %s cannot be opened",
				       root);
	ret->is_whole = root[strspn(root, "/")] == '\0';
	return 0;
}

void gpu_host_close(struct gpu_host *host)
{
	if (host->root_fd >= 0)
		close(host->root_fd);
	host->root_fd = -1;
}

static int open_in_root(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT,
	};
	long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int open_whole(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool is_system(const char *path)
{
	for (size_t i = 0; i < sizeof(system_dirs) / sizeof(*system_dirs); i++)
		if (strncmp(path, system_dirs[i], strlen(system_dirs[i])) == 0)
			return true;
	return false;
}

int gpu_host_open_file(const struct gpu_host *host, const char *path, int flags)
{
	int fd;

	assert(path[0] == '/');
	if (host->is_whole)
		return open_whole(path, flags);
	fd = open_in_root(host->root_fd, path, flags);
	if (fd == -ENOENT && is_system(path))
		return open_whole(path, flags);
	return fd;
}

int gpu_host_resolve(const struct gpu_host *host, const char *path,
		     char ret[PATH_MAX])
{
	autoclose int fd = gpu_host_open_file(host, path, O_PATH);
	char link[32];
	ssize_t n;

	if (fd < 0)
		return fd;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, ret, PATH_MAX);
	if (n < 0)
		return -errno;
	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	ret[n] = '\0';
	return ret[0] == '/' ? 0 : -ENOENT;
}

bool gpu_host_has(const struct gpu_host *host, const char *path)
{
	autoclose int fd = gpu_host_open_file(host, path, O_PATH);

	return fd >= 0;
}

int gpu_host_read(const struct gpu_host *host, const char *path,
		  struct buffer *buffer)
{
	autoclose int fd =
		gpu_host_open_file(host, path, O_RDONLY | O_NONBLOCK);
	char part[4096];
	ssize_t n;
	int r;

	if (fd < 0)
		return fd;
	/* files of /proc have no size */
	while ((n = read(fd, part, sizeof(part))) > 0) {
		r = buffer_append(buffer, part, (size_t)n);
		if (r < 0)
			return r;
	}
	return n < 0 ? -errno : buffer_terminate(buffer);
}

int gpu_host_read_line(const struct gpu_host *host, const char *path, char *ret,
		       size_t capacity)
{
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(65536);
	int r = gpu_host_read(host, path, &text);

	if (r < 0)
		return r;
	snprintf(ret, capacity, "%s", (const char *)text.data);
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char **values;
	size_t count;
	size_t capacity;
};

static void names_fini(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->values[i]);
	free(names->values);
}

static int names_add(struct names *names, const char *name)
{
	char **grown;

	if (names->count >= GPU_HOST_NAMES_MAX)
		return -EFBIG;
	if (names->count == names->capacity) {
		size_t capacity = names->capacity ? names->capacity * 2 : 64;

		grown = realloc(names->values, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		names->values = grown;
		names->capacity = capacity;
	}
	names->values[names->count] = strdup(name);
	if (!names->values[names->count])
		return -ENOMEM;
	names->count++;
	return 0;
}

static int read_names(int fd, struct names *names)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	int r = 0;

	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	/* a stream of our own; NOLINTNEXTLINE(concurrency-mt-unsafe) */
	while (r == 0 && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			r = names_add(names, entry->d_name);
	closedir(dir);
	return r;
}

int gpu_host_list(const struct gpu_host *host, const char *path,
		  gpu_host_visit_fn *visit, void *arg)
{
	struct names names CLEANUP(names_fini) = { 0 };
	int fd = gpu_host_open_file(host, path, O_RDONLY | O_DIRECTORY);
	int r;

	if (fd < 0)
		return 0;
	r = read_names(fd, &names);
	if (r < 0)
		return r;
	if (names.count > 0)
		qsort(names.values, names.count, sizeof(*names.values),
		      compare_names);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = visit(arg, names.values[i]);
	return r;
}
