/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/cdi.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "gpu/cdi_file.h"
#include "gpu/cdi_hook.h"
#include "gpu/elf_library.h"
#include "gpu/gpu.h"
#include "gpu/gpu_host.h"
#include "gpu/gpu_plan.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES_MAX = 256 };

/* A file, read. */
struct file {
	struct cdi_spec spec;
	char *path;
	unsigned priority; /* of its directory: the highest has the say */
	bool is_used;	   /* its edits for all devices are in the plan */
};

struct work {
	const struct gpu_options *options;
	const struct gpu_host *host;
	const struct gpu_image *image;
	struct gpu_plan *plan;
	struct error *err;
	struct file files[FILES_MAX];
	size_t file_count;
	const char *dir; /* that is listed */
	unsigned priority;
	struct error skipped; /* what was wrong with one of them */
	struct cdi_hook_libraries libraries;
	const json_t *hooks[GPU_PLAN_ITEMS_MAX];
	size_t hook_count;
	const struct file *source; /* whose edits are added */
};

static void work_destroy(struct work *work)
{
	for (size_t i = 0; i < work->file_count; i++) {
		cdi_spec_fini(&work->files[i].spec);
		free(work->files[i].path);
	}
	cdi_hook_libraries_fini(&work->libraries);
	free(work);
}
DEFINE_CLEANUP(struct work, work_destroy);

static int load_file(void *arg, const char *name)
{
	struct work *work = arg;
	struct file *file = NULL;
	char path[PATH_MAX];
	int r;

	if (!cdi_file_is_named(name) ||
	    snprintf(path, sizeof(path), "%s/%s", work->dir, name) >=
		    (int)sizeof(path))
		return 0;
	if (work->file_count >= FILES_MAX)
		return error_set(work->err, -EFBIG,
				 "there are more than %d CDI files", FILES_MAX);
	file = &work->files[work->file_count];
	*file = (struct file){ .priority = work->priority };
	r = cdi_file_load(work->host, path, &file->spec, &work->skipped);
	if (r == -ENOMEM)
		return r;
	if (r < 0) /* told if no other file has the device */
		return 0;
	file->path = strdup(path);
	if (!file->path) {
		cdi_spec_fini(&file->spec);
		return -ENOMEM;
	}
	work->file_count++;
	return 0;
}

static int load_files(struct work *work)
{
	const char *const *dirs = work->options->cdi_dirs
					  ? work->options->cdi_dirs
					  : cdi_file_dirs;
	int r = 0;

	for (; r == 0 && *dirs; dirs++) {
		if (**dirs != '/')
			return error_set(work->err, -EINVAL,
					 "--cdi-dirs: \"%s\" is not an "
					 "absolute path",
					 *dirs);
		work->dir = *dirs;
		r = gpu_host_list(work->host, *dirs, load_file, work);
		work->priority++;
	}
	return r;
}

static int add_environment(struct work *work, const json_t *list)
{
	const json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach (list, i, item) {
		const char *text = json_string_value(item);

		if (text[0] == '=' || !strchr(text, '='))
			return error_set(work->err, -EBADMSG,
					 "%s: \"%s\" is not NAME=VALUE",
					 work->source->path, text);
		r = gpu_plan_add_text(&work->plan->environment, "%s", text);
		if (r < 0)
			return r;
	}
	return r;
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static int resolve(struct work *work, const char *path, char real[PATH_MAX])
{
	int r = path[0] == '/' ? gpu_host_resolve(work->host, path, real)
			       : -EINVAL;

	if (r < 0)
		return error_set(work->err, -ENODEV,
				 "%s is not on this host, but %s says so: make "
				 "that file anew (nvidia-ctk cdi generate)",
				 path, work->source->path);
	return 0;
}

static int check_destination(struct work *work, const char *path)
{
	if (path[0] == '/' && path[strspn(path, "/")])
		return 0;
	return error_set(work->err, -EBADMSG,
			 "%s: \"%s\" is not an absolute path",
			 work->source->path, path);
}

static int add_node(struct work *work, const json_t *node)
{
	const char *path = text_of(node, "path");
	const char *host_path = text_of(node, "hostPath");
	char real[PATH_MAX];
	int r = check_destination(work, path);

	if (!host_path || !host_path[0])
		host_path = path;
	if (r == 0)
		r = resolve(work, host_path, real);
	if (r < 0)
		return r;
	/* the host's /dev has it already */
	if (!work->options->has_own_dev && strcmp(real, path) == 0)
		return 0;
	return gpu_plan_add_device(work->plan, real, path);
}

static bool has_option(const json_t *options, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach (options, i, item)
		if (strcmp(json_string_value(item), name) == 0)
			return true;
	return false;
}

/* Whether it is a library; then also its own name. */
static bool read_library(const char *real, struct elf_library *ret)
{
	const char *slash = strrchr(real, '/');
	autoclose int fd = -1;

	if (!slash || !strstr(slash, ".so"))
		return false;
	fd = open(real, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && elf_library_read(fd, ret) == 0;
}

/* Instead of a mount: a link to where its directory is bound. */
static int add_library(struct work *work, const char *real,
		       const char *destination, const struct elf_library *elf)
{
	autofree char *target = NULL;
	int r = gpu_plan_place_library(work->plan, real, &target);

	if (r == 0)
		r = gpu_plan_add_link(work->plan, destination, target);
	if (r == 0 && elf->soname[0])
		r = cdi_hook_libraries_add(&work->libraries, destination,
					   elf->soname);
	return r;
}

static int add_mount(struct work *work, const json_t *mount)
{
	const char *destination = text_of(mount, "containerPath");
	const char *type = text_of(mount, "type");
	bool is_read_only = has_option(json_object_get(mount, "options"), "ro");
	struct elf_library elf;
	char real[PATH_MAX];
	int r = check_destination(work, destination);

	if (r == 0 && type && type[0] && strcmp(type, "bind") != 0 &&
	    strcmp(type, "none") != 0)
		return error_set(work->err, -ENOTSUP,
				 "%s wants a mount of type \"%s\" at %s: only "
				 "binds are supported",
				 work->source->path, type, destination);
	if (r == 0)
		r = resolve(work, text_of(mount, "hostPath"), real);
	if (r < 0)
		return r;
	if (is_read_only && read_library(real, &elf))
		return add_library(work, real, destination, &elf);
	return gpu_plan_add_bind(work->plan, real, destination, is_read_only);
}

static int add_each(struct work *work, const json_t *list,
		    int (*add)(struct work *work, const json_t *item))
{
	const json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach (list, i, item) {
		r = add(work, item);
		if (r < 0)
			break;
	}
	return r;
}

static int keep_hook(struct work *work, const json_t *hook)
{
	if (work->hook_count >= GPU_PLAN_ITEMS_MAX)
		return -EFBIG;
	work->hooks[work->hook_count++] = hook;
	return 0;
}

static int note_unsupported(struct work *work, const json_t *edits)
{
	static const char *const names[] = { "netDevices", "intelRdt",
					     "additionalGIDs" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < 3; i++)
		if (json_object_get(edits, names[i]))
			r = gpu_plan_add_text(
				&work->plan->notes,
				"--device: %s asks for %s, which takes root's "
				"rights: the job goes without",
				work->source->path, names[i]);
	return r;
}

static int add_edits(struct work *work, const json_t *edits)
{
	int r;

	if (!edits)
		return 0;
	r = add_environment(work, json_object_get(edits, "env"));
	if (r == 0)
		r = add_each(work, json_object_get(edits, "deviceNodes"),
			     add_node);
	if (r == 0)
		r = add_each(work, json_object_get(edits, "mounts"), add_mount);
	if (r == 0)
		r = add_each(work, json_object_get(edits, "hooks"), keep_hook);
	return r < 0 ? r : note_unsupported(work, edits);
}

/* Of the files that have the device, that of the highest priority. */
static int find_file(struct work *work, const char *name, size_t kind_len,
		     struct file **ret)
{
	struct file *found = NULL;

	for (size_t i = 0; i < work->file_count; i++) {
		struct file *file = &work->files[i];

		if (strlen(file->spec.kind) != kind_len ||
		    strncmp(file->spec.kind, name, kind_len) != 0 ||
		    !cdi_spec_find_device(&file->spec, name + kind_len + 1))
			continue;
		if (found && found->priority == file->priority)
			return error_set(work->err, -EBADMSG,
					 "%s and %s both have the device %s: "
					 "remove one",
					 found->path, file->path, name);
		found = file;
	}
	if (found) {
		*ret = found;
		return 0;
	}
	if (work->skipped.code < 0)
		return error_set(work->err, work->skipped.code,
				 "no usable CDI file has the device %s; one "
				 "was refused: %s",
				 name, work->skipped.text);
	return error_set(work->err, -ENODEV,
			 "no CDI file has the device %s: `lazyrun doctor "
			 "--gpu` lists the files, `nvidia-ctk cdi generate "
			 "--output=/etc/cdi/nvidia.yaml` makes one",
			 name);
}

static int add_device(struct work *work, const char *name)
{
	const char *equals = strchr(name, '=');
	const json_t *device;
	struct file *file = NULL;
	int r = 0;

	if (!equals || !memchr(name, '/', (size_t)(equals - name)) ||
	    !equals[1])
		return error_set(work->err, -EINVAL,
				 "--device \"%s\" is not VENDOR/CLASS=NAME",
				 name);
	r = find_file(work, name, (size_t)(equals - name), &file);
	if (r < 0)
		return r;
	assert(file);
	work->source = file;
	if (!file->is_used)
		r = add_edits(work, json_object_get(file->spec.root,
						    "containerEdits"));
	file->is_used = true;
	device = cdi_spec_find_device(&file->spec, equals + 1);
	assert(device);
	return r < 0 ? r
		     : add_edits(work,
				 json_object_get(device, "containerEdits"));
}

int cdi_add(const struct gpu_options *options, const struct gpu_host *host,
	    const struct gpu_image *image, struct gpu_plan *plan,
	    struct error *err)
{
	CLEANUP(work_destroyp) struct work *work = calloc(1, sizeof(*work));
	int r;

	if (!work)
		return error_set(err, -ENOMEM, "out of memory");
	work->options = options;
	work->host = host;
	work->image = image;
	work->plan = plan;
	work->err = err;
	r = load_files(work);
	for (const char *const *name = options->cdi_devices; r == 0 && *name;
	     name++)
		r = add_device(work, *name);
	/* when all libraries are known */
	for (size_t i = 0; r == 0 && i < work->hook_count; i++)
		r = cdi_hook_add(work->hooks[i], host, image, &work->libraries,
				 plan, err);
	if (r == -ENOMEM || r == -EFBIG)
		return error_set_errno(err, r, "cannot plan for --device");
	return r;
}

struct listing {
	const struct gpu_host *host;
	const char *dir;
	cdi_file_fn *visit;
	void *arg;
};

static int list_file(void *arg, const char *name)
{
	const struct listing *listing = arg;
	struct cdi_spec spec CLEANUP(cdi_spec_fini) = { 0 };
	struct error err = { 0 };
	struct cdi_file file = { .kind = "", .problem = "" };
	char path[PATH_MAX];

	if (!cdi_file_is_named(name) ||
	    snprintf(path, sizeof(path), "%s/%s", listing->dir, name) >=
		    (int)sizeof(path))
		return 0;
	file.path = path;
	if (cdi_file_load(listing->host, path, &spec, &err) < 0) {
		file.problem = err.text;
	} else {
		file.kind = spec.kind;
		file.device_count = (unsigned)json_array_size(
			json_object_get(spec.root, "devices"));
	}
	return listing->visit(listing->arg, &file);
}

int cdi_list(const struct gpu_host *host, const char *const *dirs,
	     cdi_file_fn *visit, void *arg)
{
	struct listing listing = { .host = host, .visit = visit, .arg = arg };
	int r = 0;

	for (dirs = dirs ? dirs : cdi_file_dirs; r == 0 && *dirs; dirs++) {
		listing.dir = *dirs;
		r = gpu_host_list(host, *dirs, list_file, &listing);
	}
	return r;
}
