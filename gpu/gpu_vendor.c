/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/gpu_vendor.h"

#include "gpu/gpu_host.h"
#include "gpu/gpu_image.h"
#include "gpu/gpu_solib.h"
#include "gpu/gpu_list.h"
#include "gpu/gpu_plan.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const program_dirs[] = {
	"/usr/bin",
	"/usr/sbin",
	"/bin",
	"/sbin",
	"/usr/local/bin",
	"/usr/local/nvidia/bin",
	"/opt/rocm/bin",
	"/run/opengl-driver/bin",
	"/usr/lib/wsl/lib",
};

static int add_program(const struct gpu_host *host, const char *name,
		       struct gpu_plan *plan)
{
	char path[PATH_MAX];
	char real[PATH_MAX];

	for (size_t i = 0; i < sizeof(program_dirs) / sizeof(*program_dirs);
	     i++) {
		if (snprintf(path, sizeof(path), "%s/%s", program_dirs[i],
			     name) >= (int)sizeof(path) ||
		    gpu_host_resolve(host, path, real) < 0)
			continue;
		snprintf(path, sizeof(path), "/usr/bin/%s", name);
		return gpu_plan_add_bind(plan, real, path, true);
	}
	return 0;
}

int gpu_vendor_add_files(const struct gpu_host *host,
			 const struct gpu_list *list, struct gpu_plan *plan)
{
	char real[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++) {
		const struct gpu_list_item *item = &list->items[i];

		if (item->kind == GPU_LIST_PROGRAM && !strchr(item->name, '/'))
			r = add_program(host, item->name, plan);
		else if (item->kind == GPU_LIST_FILE &&
			 gpu_host_resolve(host, item->name, real) == 0)
			r = gpu_plan_add_bind(plan, real, item->name, true);
	}
	return r;
}

static bool is_neutral(const char *const *neutral, const char *name)
{
	for (; *neutral; neutral++)
		if (strncmp(name, *neutral, strlen(*neutral)) == 0)
			return true;
	return false;
}

int gpu_vendor_add_libraries(const struct gpu_solib_set *set,
			     const char *version, const char *const *neutral,
			     const struct gpu_image *image,
			     struct gpu_plan *plan)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->count; i++) {
		const struct gpu_solib *library = &set->items[i];
		const char *its_version = gpu_solib_version(library->real);

		if (its_version && version[0] &&
		    strcmp(its_version, version) != 0)
			continue;
		/* before GLVND, libGL was the driver's own, and says so */
		if (!its_version && is_neutral(neutral, library->name) &&
		    gpu_image_has_library(image, library->name))
			continue;
		r = gpu_plan_add_library(plan, library->name, library->real);
	}
	return r;
}

int gpu_vendor_add_node(const struct gpu_host *host, const char *path,
			struct gpu_plan *plan)
{
	char real[PATH_MAX];

	if (gpu_host_resolve(host, path, real) < 0)
		return 0;
	return gpu_plan_add_device(plan, real, path);
}
