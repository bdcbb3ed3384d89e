/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/nvidia_device.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "gpu/gpu_host.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GPUS "/proc/driver/nvidia/gpus"
#define CAPS "/proc/driver/nvidia/capabilities"

struct load {
	const struct gpu_host *host;
	struct nvidia_device_set *set;
	struct nvidia_device *device; /* whose slices are read */
	unsigned gpu_instance;
};

static int add_device(struct nvidia_device_set *set,
		      const struct nvidia_device *device)
{
	struct nvidia_device *grown;

	if (set->count >= NVIDIA_DEVICE_MAX)
		return -EFBIG;
	grown = realloc(set->items, (set->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	set->items = grown;
	set->items[set->count++] = *device;
	return 0;
}

/* "GPU UUID: \t GPU-..." */
static bool take_field(const char *text, const char *name, char *ret,
		       size_t capacity)
{
	const char *line = text;
	size_t len = strlen(name);

	while (strncmp(line, name, len) != 0) {
		line = strchr(line, '\n');
		if (!line)
			return false;
		line++;
	}
	line += len;
	line += strspn(line, " \t");
	snprintf(ret, capacity, "%.*s", (int)strcspn(line, "\n"), line);
	return true;
}

/* The whole of @text as a number up to @limit. */
static bool take_number(const char *text, unsigned long limit, unsigned *ret)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	value = strtoul(text, &end, 10);
	end += strspn(end, " \t\r\n");
	if (*end || value > limit)
		return false;
	*ret = (unsigned)value;
	return true;
}

static int take_gpu(void *arg, const char *bus)
{
	struct load *load = arg;
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(65536);
	struct nvidia_device device = { 0 };
	char path[PATH_MAX];
	char minor[32];

	snprintf(path, sizeof(path), GPUS "/%s/information", bus);
	if (gpu_host_read(load->host, path, &text) < 0)
		return 0;
	if (!take_field((const char *)text.data, "Device Minor:", minor,
			sizeof(minor)) ||
	    !take_number(minor, 65535, &device.minor))
		return 0;
	take_field((const char *)text.data, "GPU UUID:", device.uuid,
		   sizeof(device.uuid));
	take_field((const char *)text.data, "Model:", device.model,
		   sizeof(device.model));
	snprintf(device.bus, sizeof(device.bus), "%s", bus);
	return add_device(load->set, &device);
}

static int take_node(void *arg, const char *name)
{
	struct load *load = arg;
	struct nvidia_device device = { 0 };

	if (strncmp(name, "nvidia", 6) != 0 ||
	    !take_number(name + 6, 254, &device.minor))
		return 0;
	return add_device(load->set, &device);
}

static bool read_cap(const struct gpu_host *host, const char *path,
		     unsigned *ret)
{
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(4096);
	char minor[32];

	return gpu_host_read(host, path, &text) == 0 &&
	       take_field((const char *)text.data, "DeviceFileMinor:", minor,
			  sizeof(minor)) &&
	       take_number(minor, 1 << 20, ret);
}

static int take_compute_instance(void *arg, const char *name)
{
	struct load *load = arg;
	struct nvidia_device *device = load->device;
	struct nvidia_device_slice slice = { .gpu_instance =
						     load->gpu_instance };
	struct nvidia_device_slice *grown;
	char path[PATH_MAX];

	if (strncmp(name, "ci", 2) != 0 ||
	    !take_number(name + 2, 1024, &slice.compute_instance))
		return 0;
	snprintf(path, sizeof(path), CAPS "/gpu%u/mig/gi%u/access",
		 device->minor, slice.gpu_instance);
	if (!read_cap(load->host, path, &slice.gpu_cap))
		return 0;
	snprintf(path, sizeof(path), CAPS "/gpu%u/mig/gi%u/ci%u/access",
		 device->minor, slice.gpu_instance, slice.compute_instance);
	if (!read_cap(load->host, path, &slice.compute_cap))
		return 0;
	if (device->slice_count >= NVIDIA_DEVICE_SLICES_MAX)
		return -EFBIG;
	grown = realloc(device->slices,
			(device->slice_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	device->slices = grown;
	device->slices[device->slice_count++] = slice;
	return 0;
}

static int take_gpu_instance(void *arg, const char *name)
{
	struct load *load = arg;
	char path[PATH_MAX];

	if (strncmp(name, "gi", 2) != 0 ||
	    !take_number(name + 2, 1024, &load->gpu_instance))
		return 0;
	snprintf(path, sizeof(path), CAPS "/gpu%u/mig/%s", load->device->minor,
		 name);
	return gpu_host_list(load->host, path, take_compute_instance, load);
}

static int compare_slices(const void *a, const void *b)
{
	const struct nvidia_device_slice *x = a;
	const struct nvidia_device_slice *y = b;

	if (x->gpu_instance != y->gpu_instance)
		return x->gpu_instance < y->gpu_instance ? -1 : 1;
	return x->compute_instance < y->compute_instance ? -1 : 1;
}

static int compare_minors(const void *a, const void *b)
{
	const struct nvidia_device *x = a;
	const struct nvidia_device *y = b;

	return x->minor < y->minor ? -1 : x->minor > y->minor;
}

int nvidia_device_load(const struct gpu_host *host,
		       struct nvidia_device_set *ret)
{
	struct load load = { .host = host, .set = ret };
	char path[PATH_MAX];
	int r = gpu_host_list(host, GPUS, take_gpu, &load);

	if (r == 0 && ret->count == 0) {
		r = gpu_host_list(host, "/dev", take_node, &load);
		if (ret->count > 0)
			qsort(ret->items, ret->count, sizeof(*ret->items),
			      compare_minors);
	}
	for (size_t i = 0; r == 0 && i < ret->count; i++) {
		load.device = &ret->items[i];
		snprintf(path, sizeof(path), CAPS "/gpu%u/mig",
			 load.device->minor);
		r = gpu_host_list(host, path, take_gpu_instance, &load);
		if (load.device->slice_count > 0)
			qsort(load.device->slices, load.device->slice_count,
			      sizeof(*load.device->slices), compare_slices);
	}
	return r;
}

static void choose_slices(struct nvidia_device *device)
{
	device->is_chosen = true;
	for (size_t i = 0; i < device->slice_count; i++)
		device->slices[i].is_chosen = true;
}

static int say_unknown(const struct nvidia_device_set *set, const char *name,
		       struct error *err)
{
	return error_set(err, -ENODEV,
			 "NVIDIA_VISIBLE_DEVICES names \"%s\", which none of "
			 "the %zu GPUs of this host is: name an index, a UUID "
			 "(nvidia-smi -L lists them) or all",
			 name, set->count);
}

/* The one GPU whose UUID begins so, as CUDA has it. */
static struct nvidia_device *find_uuid(struct nvidia_device_set *set,
				       const char *uuid, size_t len)
{
	struct nvidia_device *found = NULL;

	for (size_t i = 0; i < set->count; i++) {
		if (strncmp(set->items[i].uuid, uuid, len) != 0)
			continue;
		if (set->items[i].uuid[len] == '\0')
			return &set->items[i];
		if (found)
			return NULL;
		found = &set->items[i];
	}
	return found;
}

static int choose_slice(struct nvidia_device *device, unsigned gpu_instance,
			unsigned compute_instance)
{
	for (size_t i = 0; i < device->slice_count; i++) {
		struct nvidia_device_slice *slice = &device->slices[i];

		if (slice->gpu_instance != gpu_instance ||
		    slice->compute_instance != compute_instance)
			continue;
		device->is_chosen = true;
		slice->is_chosen = true;
		return 0;
	}
	return -ENOENT;
}

/* "MIG-GPU-UUID/GI/CI" */
static int choose_named_slice(struct nvidia_device_set *set, const char *name,
			      struct error *err)
{
	const char *uuid = name + strlen("MIG-");
	const char *slash = strchr(uuid, '/');
	struct nvidia_device *device;
	unsigned instances[2];
	int used = 0;

	if (!slash ||
	    sscanf(slash, "/%u/%u%n", &instances[0], &instances[1], &used) !=
		    2 ||
	    slash[used])
		return say_unknown(set, name, err);
	device = find_uuid(set, uuid, (size_t)(slash - uuid));
	if (device && choose_slice(device, instances[0], instances[1]) == 0)
		return 0;
	return say_unknown(set, name, err);
}

static int choose_all_slices(struct nvidia_device_set *set, const char *name,
			     struct error *err)
{
	bool is_found = false;

	for (size_t i = 0; i < set->count; i++) {
		if (set->items[i].slice_count == 0)
			continue;
		choose_slices(&set->items[i]);
		is_found = true;
	}
	return is_found ? 0 : say_unknown(set, name, err);
}

/* "MIG-UUID" */
static int choose_slice_uuid(struct nvidia_device_set *set, const char *name,
			     nvidia_device_slice_fn *find, void *arg,
			     struct error *err)
{
	unsigned minor = 0;
	unsigned gpu_instance = 0;
	unsigned compute_instance = 0;
	int r = find(arg, name, &minor, &gpu_instance, &compute_instance);

	if (r < 0 && r != -ENOENT)
		return choose_all_slices(set, name, err);
	for (size_t i = 0; r == 0 && i < set->count; i++)
		if (set->items[i].minor == minor &&
		    choose_slice(&set->items[i], gpu_instance,
				 compute_instance) == 0)
			return 0;
	return say_unknown(set, name, err);
}

/* "1" or "1:0" */
static int choose_index(struct nvidia_device_set *set, const char *name,
			struct error *err)
{
	struct nvidia_device *device;
	unsigned index;
	unsigned slice;
	char *end;

	index = (unsigned)strtoul(name, &end, 10);
	if (index >= set->count)
		return say_unknown(set, name, err);
	device = &set->items[index];
	if (*end == '\0') {
		choose_slices(device);
		return 0;
	}
	if (*end != ':' || !take_number(end + 1, 1024, &slice) ||
	    slice >= device->slice_count)
		return say_unknown(set, name, err);
	device->is_chosen = true;
	device->slices[slice].is_chosen = true;
	return 0;
}

static int choose_one(struct nvidia_device_set *set, const char *name,
		      nvidia_device_slice_fn *find, void *arg,
		      struct error *err)
{
	struct nvidia_device *device;

	if (strcmp(name, "all") == 0) {
		for (size_t i = 0; i < set->count; i++)
			choose_slices(&set->items[i]);
		return 0;
	}
	if (strcmp(name, "none") == 0)
		return 0;
	if (strncmp(name, "MIG-GPU-", 8) == 0)
		return choose_named_slice(set, name, err);
	if (strncmp(name, "MIG-", 4) == 0)
		return choose_slice_uuid(set, name, find, arg, err);
	if (isdigit((unsigned char)name[0]))
		return choose_index(set, name, err);
	/* "GPU-" alone would be the only GPU of most hosts */
	device = strncmp(name, "GPU-", 4) == 0 && name[4]
			 ? find_uuid(set, name, strlen(name))
			 : NULL;
	if (!device)
		return say_unknown(set, name, err);
	choose_slices(device);
	return 0;
}

int nvidia_device_choose(struct nvidia_device_set *set, const char *names,
			 nvidia_device_slice_fn *find, void *arg,
			 struct error *err)
{
	autofree char *copy = strdup(names);
	char *rest = copy;
	char *name;
	int r = 0;

	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	while (r == 0 && (name = strsep(&rest, ","))) {
		name += strspn(name, " \t");
		name[strcspn(name, " \t")] = '\0';
		if (name[0])
			r = choose_one(set, name, find, arg, err);
	}
	return r;
}

void nvidia_device_set_fini(struct nvidia_device_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->items[i].slices);
	free(set->items);
	*set = (struct nvidia_device_set){ 0 };
}
