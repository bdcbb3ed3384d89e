/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gpu_plan: what a job needs of the host to use its GPUs.
 *
 * Only data: nothing is mounted, made or executed here.  tools/ turns a plan
 * into the binds, links, masks and environment of a job (run/run.h).
 *
 * A host's library directory is bound once, read-only, at GPU_PLAN_DIR/N; what
 * is wanted of it are links in GPU_PLAN_LIBS to there.  That is two or three
 * mounts where one for each library would be 120.
 *
 * Threads: one at a time.
 */
#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct error;

#define GPU_PLAN_LIBS "/.singularity.d/libs"
#define GPU_PLAN_DIR  "/.singularity.d/gpu"

enum {
	GPU_PLAN_ITEMS_MAX = 4096, /* of each kind; drivers need about 150 */
};

struct gpu_plan_bind {
	char *source;	   /* on the host, as lazyrun opens it */
	char *destination; /* in the root */
	bool is_read_only;
	bool is_device;
};

struct gpu_plan_link {
	char *path;
	char *target;
};

struct gpu_plan_file {
	char *path;
	char *text;
	bool is_mask; /* over one that the root has; else made in it */
};

/* Texts, in the order of adding. */
struct gpu_plan_texts {
	char **values;
	size_t count;
};

struct gpu_plan {
	struct gpu_plan_bind *binds;
	size_t bind_count;
	struct gpu_plan_link *links;
	size_t link_count;
	struct gpu_plan_file *files;
	size_t file_count;
	struct gpu_plan_texts environment;   /* NAME=VALUE */
	struct gpu_plan_texts library_first; /* before LD_LIBRARY_PATH's own */
	struct gpu_plan_texts library_last;  /* behind them */
	struct gpu_plan_texts notes;	     /* for people: what is missing */
	struct gpu_plan_texts library_dirs;  /* bound at GPU_PLAN_DIR/INDEX */
};

/*
 * The functions that add return 0, -EFBIG (more than GPU_PLAN_ITEMS_MAX) or
 * -ENOMEM, and copy what they are given.
 */

/** gpu_plan_add_bind() - a second one at the same destination is left out */
int gpu_plan_add_bind(struct gpu_plan *plan, const char *source,
		      const char *destination, bool is_read_only);

/** gpu_plan_add_device() - a device node */
int gpu_plan_add_device(struct gpu_plan *plan, const char *source,
			const char *destination);

/** gpu_plan_add_link() - a second one at the same path is left out */
int gpu_plan_add_link(struct gpu_plan *plan, const char *path,
		      const char *target);

/** gpu_plan_add_mask() - show @text instead of a file that the root has */
int gpu_plan_add_mask(struct gpu_plan *plan, const char *path,
		      const char *text);

/** gpu_plan_add_file() - a file of the job's own */
int gpu_plan_add_file(struct gpu_plan *plan, const char *path,
		      const char *text);

/** gpu_plan_add_text() - unless the same is in @texts already */
int gpu_plan_add_text(struct gpu_plan_texts *texts, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * gpu_plan_add_library() - a library of the host under a name of its own
 * @name: programs ask for it by this: "libcuda.so.1"; the first one stays
 * @real: its path on the host, without links
 */
int gpu_plan_add_library(struct gpu_plan *plan, const char *name,
			 const char *real);

/**
 * gpu_plan_place_library() - its directory is bound; how to link to it
 * @ret: malloc'ed path in the root, "/.singularity.d/gpu/0/libcuda.so.550"
 */
int gpu_plan_place_library(struct gpu_plan *plan, const char *real, char **ret);

/** gpu_plan_find_link() - the target of a link, NULL when there is none */
const char *gpu_plan_find_link(const struct gpu_plan *plan, const char *path);

struct gpu_plan *gpu_plan_create(void);
void gpu_plan_destroy(struct gpu_plan *plan);
DEFINE_CLEANUP(struct gpu_plan, gpu_plan_destroy);
