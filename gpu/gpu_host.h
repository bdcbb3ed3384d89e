/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gpu_host: the host's files, below a root that need not be "/".
 *
 * A driver may be installed below a directory of its own (the driver container
 * of Kubernetes: /run/nvidia/driver); tests make one.  Links are followed
 * within that root.  What the root lacks of /proc, /sys, /dev, /run and
 * /var/run is looked for on the host itself: the kernel has one of each.
 *
 * Threads: any, for one host.
 */
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct buffer;
struct error;

struct gpu_host {
	int root_fd;   /* O_PATH */
	bool is_whole; /* the root is "/" */
};

#define GPU_HOST_INIT                                                          \
	{                                                                      \
		.root_fd = -1                                                  \
	}

/**
 * gpu_host_open() - begin
 * @root: absolute; NULL or "" for "/"
 * @ret:  to gpu_host_close(); that is allowed after a failure, too
 *
 * Return: 0, or negative errno with @err naming @root.
 */
int gpu_host_open(const char *root, struct gpu_host *ret, struct error *err);
void gpu_host_close(struct gpu_host *host);

/**
 * gpu_host_open_file() - open a path of the host
 * @flags: of open(2), O_CLOEXEC is added
 *
 * Return: a descriptor, or negative errno.
 */
int gpu_host_open_file(const struct gpu_host *host, const char *path,
		       int flags);

/**
 * gpu_host_resolve() - where a path of the host really is
 * @ret: links followed, as this process would open it
 *
 * Return: 0, -ENOENT and what else openat2() says, -ENAMETOOLONG.
 */
int gpu_host_resolve(const struct gpu_host *host, const char *path,
		     char ret[PATH_MAX]);

/** gpu_host_has() - whether there is something at @path */
bool gpu_host_has(const struct gpu_host *host, const char *path);

/** gpu_host_read() - append a file, NUL-ended, up to the buffer's limit;
 * 0 or negative errno */
int gpu_host_read(const struct gpu_host *host, const char *path,
		  struct buffer *buffer);

/** gpu_host_read_line() - a file's first line, cut to @capacity;
 * 0 or negative errno */
int gpu_host_read_line(const struct gpu_host *host, const char *path, char *ret,
		       size_t capacity);

/* One name of a directory; returns 0 to go on, anything else to stop. */
typedef int gpu_host_visit_fn(void *arg, const char *name);

enum { GPU_HOST_NAMES_MAX = 65536 };

/**
 * gpu_host_list() - call @visit for each name in a directory, sorted
 *
 * "." and ".." are left out.  A directory that is not there has no names.
 *
 * Return: 0, what @visit returned, -EFBIG (more than GPU_HOST_NAMES_MAX),
 * -ENOMEM.
 */
int gpu_host_list(const struct gpu_host *host, const char *path,
		  gpu_host_visit_fn *visit, void *arg);
