/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/gpu_image.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define TRIPLET "x86_64-linux-gnu"
#elif defined(__aarch64__)
#define TRIPLET "aarch64-linux-gnu"
#elif defined(__powerpc64__)
#define TRIPLET "powerpc64le-linux-gnu"
#elif defined(__riscv)
#define TRIPLET "riscv64-linux-gnu"
#else
#define TRIPLET "unknown-linux-gnu"
#endif

static const char *const library_dirs[] = {
	"/usr/lib/" TRIPLET, "/lib/" TRIPLET,
	"/usr/lib64",	     "/lib64",
	"/usr/lib",	     "/lib",
	"/usr/local/lib",    "/usr/local/lib/" TRIPLET,
	"/usr/local/lib64",
};

bool gpu_image_has_library(const struct gpu_image *image, const char *name)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(library_dirs) / sizeof(*library_dirs);
	     i++) {
		snprintf(path, sizeof(path), "%s/%s", library_dirs[i], name);
		if (image->has(image->arg, path))
			return true;
	}
	return false;
}

struct compat {
	unsigned major;
	unsigned count;
};

/* libcuda.so.550.54.14, not libcuda.so.1 */
static int take_compat(void *arg, const char *name)
{
	static const char prefix[] = "libcuda.so.";
	struct compat *compat = arg;
	unsigned long major;
	char *end;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	name += sizeof(prefix) - 1;
	major = strtoul(name, &end, 10);
	if (end == name || *end != '.' || major > 99999)
		return 0;
	compat->major = (unsigned)major;
	compat->count++;
	return 0;
}

unsigned gpu_image_get_compat(const struct gpu_image *image)
{
	struct compat compat = { 0 };

	if (image->list(image->arg, GPU_IMAGE_COMPAT_DIR, take_compat,
			&compat) != 0)
		return 0;
	return compat.count == 1 ? compat.major : 0;
}
