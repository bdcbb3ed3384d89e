/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gpu_list: the names of what a driver consists of: nvliblist.conf and
 * rocmliblist.conf, as apptainer has them.
 *
 * A line is a name: one with ".so" is a library, or the beginning of the names
 * of several; an absolute path is a file; any other a program.  "#" begins a
 * comment.
 *
 * Threads: any.
 */
#include <stddef.h>

struct error;
struct gpu_host;

enum gpu_list_kind {
	GPU_LIST_PROGRAM,
	GPU_LIST_LIBRARY, /* "libcuda.so", or "/opt/x/libx.so.1" */
	GPU_LIST_FILE,
};

struct gpu_list_item {
	enum gpu_list_kind kind;
	char *name;
};

struct gpu_list {
	struct gpu_list_item *items;
	size_t count;
};

enum { GPU_LIST_ITEMS_MAX = 4096, GPU_LIST_SIZE_MAX = 1 << 20 };

/** gpu_list_parse() - add what @text names; 0, -EFBIG, -ENOMEM */
int gpu_list_parse(const char *text, struct gpu_list *ret);

/**
 * gpu_list_load() - the site's list, else the built-in one
 * @name:     "nvliblist.conf": in /etc/lazyrun, /etc/apptainer or
 *            /etc/singularity of the host, the first one that is there
 * @built_in: text, when there is none
 * @ret:      started from `= { 0 }`; to gpu_list_fini() even after a failure
 *
 * Return: 0, -EFBIG (with @err naming the file), -ENOMEM.
 */
int gpu_list_load(const struct gpu_host *host, const char *name,
		  const char *built_in, struct gpu_list *ret,
		  struct error *err);

void gpu_list_fini(struct gpu_list *list);
