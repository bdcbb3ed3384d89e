/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/nvidia_choice.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "gpu/gpu.h"
#include "gpu/gpu_host.h"
#include "gpu/gpu_list.h"
#include "gpu/gpu_plan.h"
#include "gpu/gpu_solib.h"
#include "gpu/nvidia_device.h"
#include "gpu/nvidia_nvml.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether each of the names is one that means the same GPU everywhere. */
static bool has_uuids_only(const char *names)
{
	while (*names) {
		names += strspn(names, ", ");
		if (strncmp(names, "GPU-", 4) != 0 &&
		    strncmp(names, "MIG-", 4) != 0)
			return *names == '\0';
		names += strcspn(names, ",");
	}
	return true;
}

/* Where a slice is looked up, and why it could not be. */
struct lookup {
	const struct gpu_options *options;
	const struct gpu_host *host;
	struct error why;
};

static int find_slice(void *arg, const char *uuid, unsigned *ret_minor,
		      unsigned *ret_gpu_instance,
		      unsigned *ret_compute_instance)
{
	struct lookup *lookup = arg;
	struct gpu_list list CLEANUP(gpu_list_fini) = { 0 };
	struct gpu_solib_set set CLEANUP(gpu_solib_set_fini) = { 0 };
	struct nvidia_nvml_slice slice;
	int r = gpu_list_parse("libnvidia-ml.so\n", &list);

	if (r == 0)
		r = gpu_solib_find(lookup->host, &list,
				   lookup->options->library_dirs, &set,
				   &lookup->why);
	if (r < 0)
		return r;
	r = error_set(&lookup->why, -ELIBACC, "there is no libnvidia-ml.so.1");
	for (size_t i = 0; i < set.count; i++) {
		r = nvidia_nvml_find_slice(set.items[i].real, uuid, &slice,
					   &lookup->why);
		if (r != -ELIBACC)
			break;
	}
	if (r < 0)
		return r;
	lookup->why = (struct error){ 0 };
	*ret_minor = slice.minor;
	*ret_gpu_instance = slice.gpu_instance;
	*ret_compute_instance = slice.compute_instance;
	return 0;
}

static int choose_by_name(const struct gpu_options *options,
			  const struct gpu_host *host,
			  struct nvidia_device_set *set, const char *names,
			  struct gpu_plan *plan, struct error *err)
{
	struct lookup lookup = { .options = options, .host = host };
	int r = nvidia_device_choose(set, names, find_slice, &lookup, err);

	if (r == 0 && lookup.why.code < 0)
		r = gpu_plan_add_text(
			&plan->notes,
			"--nv: which slice of a GPU %.100s is cannot be told "
			"(%s), so the job sees all slices; CUDA uses the one",
			names, lookup.why.text);
	return r;
}

/* Not taken away by a device cgroup, which open() asks. */
static bool is_allowed(const struct gpu_host *host,
		       const struct nvidia_device *device)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/nvidia%u", device->minor);
	fd = gpu_host_open_file(host, path, O_RDWR | O_NONBLOCK);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Those that CUDA would number, in its order. */
struct numbered {
	struct nvidia_device *devices[NVIDIA_DEVICE_MAX];
	size_t count;
};

/* Whether CUDA's order is known; a GPU in slices has no number. */
static bool number(const struct gpu_host *host, bool is_by_bus,
		   struct nvidia_device_set *set, struct numbered *ret)
{
	const char *model = NULL;

	for (size_t i = 0; i < set->count; i++) {
		struct nvidia_device *device = &set->items[i];

		if (!is_allowed(host, device))
			continue;
		if (device->slice_count > 0 || !device->uuid[0])
			return false;
		if (!is_by_bus &&
		    (!device->model[0] ||
		     (model && strcmp(model, device->model) != 0)))
			return false;
		model = device->model;
		ret->devices[ret->count++] = device;
	}
	return true;
}

/* CUDA sees those in front of the first number that it does not know. */
static struct nvidia_device *next_number(const struct numbered *numbered,
					 const char **text)
{
	const char *digits = *text + strspn(*text, ", ");
	unsigned long index;
	char *end;

	if (!isdigit((unsigned char)*digits))
		return NULL;
	index = strtoul(digits, &end, 10);
	end += strspn(end, " ");
	if ((*end && *end != ',') || index >= numbered->count)
		return NULL;
	*text = end;
	return numbered->devices[index];
}

static void choose_by_number(const struct numbered *numbered, const char *text)
{
	struct nvidia_device *device;

	while ((device = next_number(numbered, &text)))
		device->is_chosen = true;
}

/* CUDA counts what is left anew: it gets the UUIDs instead, in the order of the
 * numbers. */
static int name_for_cuda(const struct numbered *numbered, const char *text,
			 struct gpu_plan *plan)
{
	const struct nvidia_device *device;
	char value[4096] = "";
	size_t n = 0;

	while (n < sizeof(value) && (device = next_number(numbered, &text)))
		n += (size_t)snprintf(value + n, sizeof(value) - n, "%s%s",
				      n ? "," : "", device->uuid);
	return n == 0 ? 0
		      : gpu_plan_add_text(&plan->environment,
					  "CUDA_VISIBLE_DEVICES=%s", value);
}

/* A schedule gave the same numbers by both variables: NVML's. */
static int name_the_same(const struct gpu_options *options,
			 struct nvidia_device_set *set, struct gpu_plan *plan)
{
	struct numbered numbered = { .count = 0 };

	if (!options->has_own_dev || !options->cuda_devices ||
	    !isdigit((unsigned char)options->cuda_devices[0]) ||
	    strcmp(options->visible_devices, options->cuda_devices) != 0)
		return 0;
	for (size_t i = 0; i < set->count; i++) {
		if (!set->items[i].uuid[0])
			return 0;
		numbered.devices[numbered.count++] = &set->items[i];
	}
	return name_for_cuda(&numbered, options->cuda_devices, plan);
}

int nvidia_choice_make(const struct gpu_options *options,
		       const struct gpu_host *host,
		       struct nvidia_device_set *set, struct gpu_plan *plan,
		       struct error *err)
{
	struct numbered numbered = { .count = 0 };
	const char *cuda = options->cuda_devices;
	int r;

	if (options->visible_devices) {
		r = choose_by_name(options, host, set, options->visible_devices,
				   plan, err);
		return r < 0 ? r : name_the_same(options, set, plan);
	}
	if (cuda && cuda[0] && has_uuids_only(cuda))
		return choose_by_name(options, host, set, cuda, plan, err);
	if (!cuda || !options->has_own_dev ||
	    !number(host, options->cuda_by_bus, set, &numbered))
		return choose_by_name(options, host, set, "all", plan, err);
	choose_by_number(&numbered, cuda);
	return name_for_cuda(&numbered, cuda, plan);
}
