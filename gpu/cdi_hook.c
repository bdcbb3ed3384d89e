/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/cdi_hook.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "gpu/gpu_host.h"
#include "gpu/gpu_image.h"
#include "gpu/gpu_plan.h"
#include "gpu/nvidia.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PARAMS	"/proc/driver/nvidia/params"
#define PROFILE "/etc/nvidia/nvidia-application-profiles-rc.d/10-container.conf"

struct hook {
	const json_t *args;
	size_t first; /* argument behind the hook's name */
	const struct gpu_host *host;
	const struct gpu_image *image;
	const struct cdi_hook_libraries *libraries;
	struct gpu_plan *plan;
	struct error *err;
};

typedef int hook_fn(const struct hook *hook);

int cdi_hook_libraries_add(struct cdi_hook_libraries *libraries,
			   const char *path, const char *soname)
{
	struct cdi_hook_library *grown;
	struct cdi_hook_library library;

	if (libraries->count >= GPU_PLAN_ITEMS_MAX)
		return -EFBIG;
	grown = realloc(libraries->items,
			(libraries->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	libraries->items = grown;
	library = (struct cdi_hook_library){ strdup(path), strdup(soname) };
	if (!library.path || !library.soname) {
		free(library.path);
		free(library.soname);
		return -ENOMEM;
	}
	libraries->items[libraries->count++] = library;
	return 0;
}

void cdi_hook_libraries_fini(struct cdi_hook_libraries *libraries)
{
	for (size_t i = 0; i < libraries->count; i++) {
		free(libraries->items[i].path);
		free(libraries->items[i].soname);
	}
	free(libraries->items);
	*libraries = (struct cdi_hook_libraries){ 0 };
}

/*
 * The next value of "--name VALUE" or "--name=VALUE" from *@position on; NULL
 * when there is no more.
 */
static const char *next_value(const struct hook *hook, const char *name,
			      size_t *position)
{
	size_t count = json_array_size(hook->args);
	size_t len = strlen(name);

	while (*position < count) {
		const char *arg = json_string_value(
			json_array_get(hook->args, (*position)++));

		if (strncmp(arg, name, len) != 0)
			continue;
		if (arg[len] == '=')
			return arg + len + 1;
		if (arg[len] == '\0' && *position < count)
			return json_string_value(
				json_array_get(hook->args, (*position)++));
	}
	return NULL;
}

/* "TARGET::LINK" */
static int create_link(const struct hook *hook, const char *value)
{
	const char *separator = strstr(value, "::");
	autofree char *target = NULL;

	if (!separator || separator == value || separator[2] != '/' ||
	    strstr(separator + 2, "::"))
		return error_set(hook->err, -EBADMSG,
				 "create-symlinks: \"%s\" is not "
				 "TARGET::/LINK",
				 value);
	target = strndup(value, (size_t)(separator - value));
	if (!target)
		return -ENOMEM;
	return gpu_plan_add_link(hook->plan, separator + 2, target);
}

static int create_symlinks(const struct hook *hook)
{
	size_t position = hook->first;
	const char *value;
	int r = 0;

	while (r == 0 && (value = next_value(hook, "--link", &position)))
		r = create_link(hook, value);
	return r;
}

/* Whether @path is a name directly in @dir. */
static bool is_in(const char *path, const char *dir)
{
	const char *slash = strrchr(path, '/');
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		len--;
	return (size_t)(slash - path) == len && strncmp(path, dir, len) == 0;
}

static int link_soname(const struct hook *hook,
		       const struct cdi_hook_library *library)
{
	const char *name = strrchr(library->path, '/') + 1;
	char path[PATH_MAX];
	int r = 0;

	if (strcmp(name, library->soname) != 0) {
		if (snprintf(path, sizeof(path), "%.*s%s",
			     (int)(name - library->path), library->path,
			     library->soname) >= (int)sizeof(path))
			return 0;
		r = gpu_plan_add_link(hook->plan, path, name);
	}
	snprintf(path, sizeof(path), GPU_PLAN_LIBS "/%s", library->soname);
	return r < 0 ? r : gpu_plan_add_link(hook->plan, path, library->path);
}

/* ldconfig's work: names for libraries, and a place to find them at. */
static int update_folder(const struct hook *hook, const char *folder)
{
	bool has_library = false;
	int r = 0;

	if (folder[0] != '/')
		return error_set(hook->err, -EBADMSG,
				 "update-ldcache: \"%s\" is not an absolute "
				 "path",
				 folder);
	for (size_t i = 0; r == 0 && i < hook->libraries->count; i++) {
		const struct cdi_hook_library *library =
			&hook->libraries->items[i];

		if (!is_in(library->path, folder))
			continue;
		has_library = true;
		r = link_soname(hook, library);
	}
	if (r < 0)
		return r;
	return gpu_plan_add_text(&hook->plan->library_last, "%s",
				 has_library ? GPU_PLAN_LIBS : folder);
}

static int update_ldcache(const struct hook *hook)
{
	size_t position = hook->first;
	const char *folder;
	int r = 0;

	while (r == 0 && (folder = next_value(hook, "--folder", &position)))
		r = update_folder(hook, folder);
	return r;
}

static int enable_cuda_compat(const struct hook *hook)
{
	char version[NVIDIA_VERSION_SIZE];
	size_t position = hook->first;
	const char *named =
		next_value(hook, "--host-driver-version", &position);

	if (!named) {
		nvidia_load_version(hook->host, NULL, version);
		named = version;
	}
	return nvidia_add_compat(named, hook->image, hook->plan);
}

/* The driver's own tools would make device nodes otherwise. */
static int disable_modification(const struct hook *hook)
{
	static const char name[] = "ModifyDeviceFiles: 1";
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(65536);
	char *line;

	if (gpu_host_read(hook->host, PARAMS, &text) < 0)
		return 0;
	line = strstr((char *)text.data, name);
	if (!line)
		return 0;
	line[sizeof(name) - 2] = '0';
	return gpu_plan_add_mask(hook->plan, PARAMS, (const char *)text.data);
}

/* The number in "/dev/nvidiaN", which is the node's own minor number, or -1. */
static int parse_gpu(const char *path)
{
	int number = -1;
	char rest;

	return sscanf(path, "/dev/nvidia%3d%c", &number, &rest) == 1 ? number
								     : -1;
}

/* EGL and Vulkan count GPUs without looking whether their nodes are there. */
static int update_profile(const struct hook *hook)
{
	uint64_t visible = 0;
	char text[256];

	for (size_t i = 0; i < hook->plan->bind_count; i++) {
		const struct gpu_plan_bind *bind = &hook->plan->binds[i];
		int gpu = bind->is_device ? parse_gpu(bind->destination) : -1;

		if (gpu >= 0 && gpu < 64)
			visible |= UINT64_C(1) << gpu;
	}
	if (visible == 0)
		return 0;
	snprintf(text, sizeof(text),
		 "{\"profiles\": [{\"name\": \"job\", \"settings\": "
		 "[\"EGLVisibleDGPUDevices\", 0x%" PRIx64 "]}], "
		 "\"rules\": [{\"pattern\": [], \"profile\": \"job\"}]}\n",
		 visible);
	return gpu_plan_add_file(hook->plan, PROFILE, text);
}

static int do_nothing(const struct hook *hook)
{
	(void)hook;
	return 0;
}

static const struct {
	const char *name;
	hook_fn *function;
} hooks[] = {
	{ "create-symlinks", create_symlinks },
	{ "create-soname-symlinks", update_ldcache },
	{ "update-ldcache", update_ldcache },
	{ "enable-cuda-compat", enable_cuda_compat },
	{ "cuda-compat", enable_cuda_compat },
	{ "disable-device-node-modification", disable_modification },
	{ "update-application-profile", update_profile },
	/* devices are bound, with the modes that they have */
	{ "chmod", do_nothing },
};

static bool is_nvidias(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return strncmp(name, "nvidia-ctk", 10) == 0 ||
	       strncmp(name, "nvidia-cdi-hook", 15) == 0;
}

/* "nvidia-ctk hook NAME ..." or "nvidia-cdi-hook NAME ..." */
static hook_fn *find_function(struct hook *hook, const char **ret_name)
{
	for (size_t i = 1; i < json_array_size(hook->args) && i < 3; i++) {
		*ret_name = json_string_value(json_array_get(hook->args, i));
		hook->first = i + 1;
		for (size_t j = 0; j < sizeof(hooks) / sizeof(*hooks); j++)
			if (strcmp(*ret_name, hooks[j].name) == 0)
				return hooks[j].function;
		if (strcmp(*ret_name, "hook") != 0)
			break;
	}
	return NULL;
}

int cdi_hook_add(const json_t *hook, const struct gpu_host *host,
		 const struct gpu_image *image,
		 const struct cdi_hook_libraries *libraries,
		 struct gpu_plan *plan, struct error *err)
{
	const char *path = json_string_value(json_object_get(hook, "path"));
	const char *name = "";
	struct hook context = {
		.args = json_object_get(hook, "args"),
		.host = host,
		.image = image,
		.libraries = libraries,
		.plan = plan,
		.err = err,
	};
	hook_fn *function = NULL;

	if (is_nvidias(path))
		function = find_function(&context, &name);
	if (function)
		return function(&context);
	return gpu_plan_add_text(&plan->notes,
				 "--device: the CDI hook %s%s%s is not run: "
				 "lazyrun executes none",
				 path, name[0] ? " " : "", name);
}
