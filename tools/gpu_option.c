/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/gpu_option.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/log.h"
#include "gpu/gpu.h"
#include "gpu/gpu_image.h"
#include "gpu/gpu_plan.h"
#include "index/index_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { GPUS_MAX = 256 };

void gpu_option_fini(struct gpu_option *option)
{
	option_list_fini(&option->devices);
	option_list_fini(&option->cdi_dirs);
	option_list_fini(&option->libraries);
}

/* "0,1,2" for three */
static int format_first(unsigned long count, char ret[GPU_OPTION_NAMES_SIZE])
{
	size_t size = 0;

	if (count > GPUS_MAX)
		return -EINVAL;
	ret[0] = '\0';
	for (unsigned long i = 0; i < count; i++)
		size += (size_t)snprintf(ret + size,
					 GPU_OPTION_NAMES_SIZE - size, "%s%lu",
					 i > 0 ? "," : "", i);
	if (count == 0)
		snprintf(ret, GPU_OPTION_NAMES_SIZE, "none");
	return 0;
}

static int take_count(const char *text, char ret[GPU_OPTION_NAMES_SIZE])
{
	unsigned long count;
	char *end;

	if (strcmp(text, "all") == 0 || strcmp(text, "-1") == 0 ||
	    strcmp(text, "none") == 0) {
		snprintf(ret, GPU_OPTION_NAMES_SIZE, "%s",
			 text[0] == '-' ? "all" : text);
		return 0;
	}
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	count = strtoul(text, &end, 10);
	return *end ? -EINVAL : format_first(count, ret);
}

/* One part between commas; one without a name goes with the one before. */
static int take_part(const char *part, bool *is_list,
		     char ret[GPU_OPTION_NAMES_SIZE])
{
	size_t size = strlen(ret);
	bool goes_on = *is_list && !strchr(part, '=');

	if (strncmp(part, "device=", 7) == 0 || goes_on) {
		*is_list = true;
		part += goes_on ? 0 : 7;
		if (!part[0] || size + strlen(part) + 2 > GPU_OPTION_NAMES_SIZE)
			return -EINVAL;
		snprintf(ret + size, GPU_OPTION_NAMES_SIZE - size, "%s%s",
			 size > 0 ? "," : "", part);
		return 0;
	}
	*is_list = false;
	if (strncmp(part, "capabilities=", 13) == 0 ||
	    strcmp(part, "driver=nvidia") == 0)
		return 0;
	if (size > 0)
		return -EINVAL;
	return take_count(strncmp(part, "count=", 6) == 0 ? part + 6 : part,
			  ret);
}

int gpu_option_parse_gpus(const char *text, char ret[GPU_OPTION_NAMES_SIZE],
			  struct error *err)
{
	autofree char *copy = strdup(text);
	char *rest = copy;
	char *part;
	bool is_list = false;
	int r = copy ? 0 : -ENOMEM;

	ret[0] = '\0';
	while (r == 0 && (part = strsep(&rest, ","))) {
		part += strspn(part, "\"'");
		part[strcspn(part, "\"'")] = '\0';
		r = take_part(part, &is_list, ret);
	}
	if (r == 0 && !ret[0])
		snprintf(ret, GPU_OPTION_NAMES_SIZE, "all");
	if (r < 0)
		return error_set(err, r,
				 "--gpus \"%s\" is not all, none, a number (of "
				 "GPUs) or device=NAME[,NAME]",
				 text);
	return 0;
}

static bool index_has(const struct index_file *index, const char *path)
{
	uint32_t number;

	return index_file_resolve(index, path, true, &number) == 0;
}

static bool image_has(void *arg, const char *path)
{
	const struct gpu_option_image *image = arg;
	char whole[PATH_MAX];
	struct stat st;

	if (image->index)
		return index_has(image->index, path);
	/* a link to an absolute path is there, wherever it leads */
	return image->directory &&
	       snprintf(whole, sizeof(whole), "%s%s", image->directory, path) <
		       (int)sizeof(whole) &&
	       lstat(whole, &st) == 0;
}

static int list_index(const struct index_file *index, const char *path,
		      gpu_image_visit_fn *visit, void *visit_arg)
{
	struct index_dirent entry;
	uint32_t dir;
	int r = index_file_resolve(index, path, true, &dir);

	for (uint32_t i = 0;
	     r == 0 && index_file_get_dirent(index, dir, i, &entry) == 0; i++) {
		autofree char *name = strndup(entry.name, entry.name_size);

		if (!name)
			return -ENOMEM;
		r = visit(visit_arg, name);
	}
	return r == -ENOENT ? 0 : r;
}

static int list_directory(const char *root, const char *path,
			  gpu_image_visit_fn *visit, void *visit_arg)
{
	char whole[PATH_MAX];
	const struct dirent *entry;
	DIR *dir;
	int r = 0;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	dir = opendir(whole);
	if (!dir)
		return 0;
	/* a stream of our own; NOLINTNEXTLINE(concurrency-mt-unsafe) */
	while (r == 0 && (entry = readdir(dir)))
		r = visit(visit_arg, entry->d_name);
	closedir(dir);
	return r;
}

static int image_list(void *arg, const char *path, gpu_image_visit_fn *visit,
		      void *visit_arg)
{
	const struct gpu_option_image *image = arg;

	if (image->index)
		return list_index(image->index, path, visit, visit_arg);
	return image->directory ? list_directory(image->directory, path, visit,
						 visit_arg)
				: 0;
}

/* HTCondor gives a variable under several names; --cleanenv keeps the last
 * two for the job. */
static const char *variable(const char *name)
{
	static const char *const prefixes[] = { "", "APPTAINERENV_",
						"SINGULARITYENV_" };
	char whole[64];

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		const char *value;

		snprintf(whole, sizeof(whole), "%s%s", prefixes[i], name);
		value = getenv(whole);
		if (value)
			return value;
	}
	return NULL;
}

/* The list's values, each split at commas; NULL-ended. */
struct words {
	char *text;
	const char **values; /* NULL when there is none */
};

static void words_fini(struct words *words)
{
	free(words->text);
	free(words->values);
}

static int words_split(const struct option_list *list, struct words *ret)
{
	size_t size = 1;
	size_t count = 0;
	size_t used = 0;
	char *rest;

	for (size_t i = 0; i < list->count; i++)
		size += strlen(list->values[i]) + 1;
	if (list->count == 0)
		return 0;
	ret->text = calloc(1, size);
	ret->values = calloc(size / 2 + 2, sizeof(*ret->values));
	if (!ret->text || !ret->values)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		used += (size_t)snprintf(ret->text + used, size - used, "%s%s",
					 i > 0 ? "," : "", list->values[i]);
	rest = ret->text;
	while (rest) {
		const char *word = strsep(&rest, ",");

		if (word[0])
			ret->values[count++] = word;
	}
	return 0;
}

static int make_plan(const struct gpu_option *option,
		     const struct gpu_option_image *image, bool has_own_dev,
		     struct gpu_plan **ret, struct error *err)
{
	struct words devices CLEANUP(words_fini) = { 0 };
	struct words dirs CLEANUP(words_fini) = { 0 };
	struct words libraries CLEANUP(words_fini) = { 0 };
	struct gpu_option_image copy = *image;
	const struct gpu_image view = {
		.arg = &copy,
		.has = image_has,
		.list = image_list,
	};
	struct gpu_options options = {
		.driver_root = option->driver_root,
		.use_nvidia = option->use_nvidia || option->gpus,
		.use_rocm = option->use_rocm,
		.has_own_dev = has_own_dev,
		.visible_devices = variable("NVIDIA_VISIBLE_DEVICES"),
		.cuda_devices = variable("CUDA_VISIBLE_DEVICES"),
	};
	const char *order = variable("CUDA_DEVICE_ORDER");
	char gpus[GPU_OPTION_NAMES_SIZE];
	int r = 0;

	options.cuda_by_bus = order && strcmp(order, "PCI_BUS_ID") == 0;
	if (option->gpus) {
		r = gpu_option_parse_gpus(option->gpus, gpus, err);
		if (r < 0)
			return r;
		options.visible_devices = gpus;
	}
	r = words_split(&option->devices, &devices);
	if (r == 0)
		r = words_split(&option->cdi_dirs, &dirs);
	if (r == 0)
		r = words_split(&option->libraries, &libraries);
	if (r < 0)
		return error_set(err, r, "out of memory");
	options.cdi_devices = devices.values;
	options.cdi_dirs = dirs.values;
	options.library_dirs = libraries.values;
	return gpu_make_plan(&options, &view, ret, err);
}

int gpu_option_plan(const struct gpu_option *option,
		    const struct gpu_option_image *image, bool has_own_dev,
		    struct gpu_plan **ret, struct error *err)
{
	int r;

	if (!option->use_nvidia && !option->use_rocm && !option->gpus &&
	    option->devices.count == 0)
		return 0;
	r = make_plan(option, image, has_own_dev, ret, err);
	for (size_t i = 0; r == 0 && i < (*ret)->notes.count; i++)
		log_event(LOG_WARN, "tools", "op=gpu text=\"%s\"",
			  (*ret)->notes.values[i]);
	return r;
}
