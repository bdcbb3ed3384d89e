/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/cdi_file.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "gpu/gpu_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *const cdi_file_dirs[] = { "/etc/cdi", "/var/run/cdi", NULL };

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name);
	size_t end_len = strlen(end);

	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

bool cdi_file_is_named(const char *name)
{
	return ends_in(name, ".json") || ends_in(name, ".yaml") ||
	       ends_in(name, ".yml");
}

static int check_owner(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set_errno(err, -errno, "%s", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return error_set(err, -EPERM,
				 "%s belongs to uid %u: a CDI file decides "
				 "what a job may reach, so it, and its "
				 "directory, must belong to root or to you",
				 path, (unsigned)st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, -EPERM,
				 "%s may be written to by others: a CDI file "
				 "decides what a job may reach (chmod go-w %s)",
				 path, path);
	return 0;
}

static int check_dir(const struct gpu_host *host, const char *path,
		     struct error *err)
{
	const char *slash = strrchr(path, '/');
	autofree char *dir = strndup(path, (size_t)(slash - path) + 1);
	autoclose int fd = -1;

	if (!dir)
		return -ENOMEM;
	fd = gpu_host_open_file(host, dir, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return error_set_errno(err, fd, "%s", dir);
	return check_owner(fd, dir, err);
}

static int read_all(int fd, const char *path, struct buffer *buffer,
		    struct error *err)
{
	char part[16384];
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = read(fd, part, sizeof(part))) != 0)
		r = n < 0 ? -errno : buffer_append(buffer, part, (size_t)n);
	if (r == -EFBIG)
		return error_set(err, r, "%s is larger than %d bytes", path,
				 CDI_SPEC_SIZE_MAX);
	return r < 0 ? error_set_errno(err, r, "%s", path) : 0;
}

int cdi_file_load(const struct gpu_host *host, const char *path,
		  struct cdi_spec *ret, struct error *err)
{
	struct buffer data CLEANUP(buffer_fini) =
		BUFFER_INIT(CDI_SPEC_SIZE_MAX);
	autoclose int fd =
		gpu_host_open_file(host, path, O_RDONLY | O_NONBLOCK);
	int r;

	if (fd < 0)
		return error_set_errno(err, fd, "%s", path);
	/* of the very file that is read */
	r = check_owner(fd, path, err);
	if (r == 0)
		r = check_dir(host, path, err);
	if (r == 0)
		r = read_all(fd, path, &data, err);
	if (r < 0)
		return r;
	r = cdi_spec_parse(data.data, data.size,
			   ends_in(path, ".json") ? CDI_SPEC_JSON
						  : CDI_SPEC_YAML,
			   ret, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}
