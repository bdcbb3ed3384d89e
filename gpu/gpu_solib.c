/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/gpu_solib.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/log.h"
#include "gpu/elf_library.h"
#include "gpu/gpu_host.h"
#include "gpu/gpu_list.h"
#include "gpu/gpu_plan.h"
#include "gpu/ld_cache.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Of GKE and its like, NixOS, WSL. */
static const char *const driver_dirs[] = {
	"/usr/local/nvidia/lib64",
	"/usr/local/nvidia/lib",
	"/run/opengl-driver/lib",
	"/usr/lib/wsl/lib",
};

/* Where there is no cache. */
static const char *const usual_dirs[] = {
	"/usr/lib/x86_64-linux-gnu",
	"/usr/lib/aarch64-linux-gnu",
	"/usr/lib64",
	"/usr/lib",
	"/lib64",
	"/lib",
};

struct search {
	const struct gpu_host *host;
	const struct gpu_list *list;
	struct gpu_solib_set *set;
	struct elf_library own; /* what this process is */
	const char *dir;	/* that names are listed of */
};

static bool has_pair(const struct gpu_solib_set *set, const char *name,
		     const char *real)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->items[i].name, name) == 0 &&
		    strcmp(set->items[i].real, real) == 0)
			return true;
	return false;
}

static int add_pair(struct gpu_solib_set *set, const char *name,
		    const char *real)
{
	struct gpu_solib *grown;
	struct gpu_solib pair;

	if (has_pair(set, name, real))
		return 0;
	if (set->count >= GPU_SOLIB_MAX)
		return -EFBIG;
	grown = realloc(set->items, (set->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	set->items = grown;
	pair = (struct gpu_solib){ strdup(name), strdup(real) };
	if (!pair.name || !pair.real) {
		free(pair.name);
		free(pair.real);
		return -ENOMEM;
	}
	set->items[set->count++] = pair;
	return 0;
}

/* Adds what is at @path, if a program of this machine can load it: under
 * @name, and under the name that it calls itself by. */
static int add_file(struct search *search, const char *name, const char *path)
{
	autoclose int fd = -1;
	struct elf_library elf;
	char real[PATH_MAX];
	int r;

	if (gpu_host_resolve(search->host, path, real) < 0)
		return 0;
	fd = open(real, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || elf_library_read(fd, &elf) < 0 ||
	    !elf_library_is_same_kind(&elf, &search->own))
		return 0;
	r = add_pair(search->set, name, real);
	if (r == 0 && elf.soname[0])
		r = add_pair(search->set, elf.soname, real);
	return r;
}

static bool is_wanted(const struct gpu_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct gpu_list_item *item = &list->items[i];

		if (item->kind == GPU_LIST_LIBRARY && item->name[0] != '/' &&
		    strncmp(name, item->name, strlen(item->name)) == 0)
			return true;
	}
	return false;
}

static int take_name(void *arg, const char *name)
{
	struct search *search = arg;
	char path[PATH_MAX];

	if (!is_wanted(search->list, name) ||
	    snprintf(path, sizeof(path), "%s/%s", search->dir, name) >=
		    (int)sizeof(path))
		return 0;
	return add_file(search, name, path);
}

static int search_dir(struct search *search, const char *dir)
{
	search->dir = dir;
	return gpu_host_list(search->host, dir, take_name, search);
}

static int search_dirs(struct search *search, const char *const *dirs,
		       size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = search_dir(search, dirs[i]);
	return r;
}

static int search_entries(struct search *search, const struct ld_cache *cache)
{
	struct ld_cache_entry entry;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < cache->count; i++)
		if (ld_cache_get(cache, i, &entry) == 0 && entry.hwcap == 0 &&
		    is_wanted(search->list, entry.name))
			r = add_file(search, entry.name, entry.path);
	return r;
}

static int search_cache(struct search *search)
{
	struct buffer data CLEANUP(buffer_fini) =
		BUFFER_INIT(LD_CACHE_SIZE_MAX);
	struct ld_cache cache;
	struct error err;

	if (gpu_host_read(search->host, "/etc/ld.so.cache", &data) == 0) {
		if (ld_cache_parse(data.data, data.size, &cache, &err) == 0)
			return search_entries(search, &cache);
		log_event(LOG_DEBUG, "gpu", "op=ld_cache text=\"%s\"",
			  err.text);
	}
	return search_dirs(search, usual_dirs,
			   sizeof(usual_dirs) / sizeof(*usual_dirs));
}

/* Libraries that the list names by their paths. */
static int search_paths(struct search *search)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < search->list->count; i++) {
		const struct gpu_list_item *item = &search->list->items[i];

		if (item->kind == GPU_LIST_LIBRARY && item->name[0] == '/')
			r = add_file(search, strrchr(item->name, '/') + 1,
				     item->name);
	}
	return r;
}

static int read_own(struct elf_library *ret, struct error *err)
{
	autoclose int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : elf_library_read(fd, ret);

	if (r < 0)
		return error_set_errno(err, r,
				       "cannot read /proc/self/exe to choose "
				       "libraries by");
	return 0;
}

int gpu_solib_find(const struct gpu_host *host, const struct gpu_list *list,
		   const char *const *dirs, struct gpu_solib_set *ret,
		   struct error *err)
{
	struct search search = { .host = host, .list = list, .set = ret };
	int r = read_own(&search.own, err);

	if (r < 0)
		return r;
	r = search_dir(&search, GPU_PLAN_LIBS);
	if (r == 0)
		r = search_paths(&search);
	if (r == 0)
		r = search_cache(&search);
	if (r == 0)
		r = search_dirs(&search, driver_dirs,
				sizeof(driver_dirs) / sizeof(*driver_dirs));
	for (; r == 0 && dirs && *dirs; dirs++)
		r = **dirs == '/' ? search_dir(&search, *dirs) : 0;
	if (r == -EFBIG)
		return error_set(err, r,
				 "this host has more than %d libraries with "
				 "names of its driver",
				 GPU_SOLIB_MAX);
	return r < 0 ? error_set_errno(err, r, "cannot list libraries") : 0;
}

void gpu_solib_set_fini(struct gpu_solib_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->items[i].name);
		free(set->items[i].real);
	}
	free(set->items);
	*set = (struct gpu_solib_set){ 0 };
}

const char *gpu_solib_version(const char *real)
{
	const char *slash = strrchr(real, '/');
	const char *so = strstr(slash ? slash : real, ".so.");
	const char *p;
	unsigned digits = 0;

	if (!so)
		return NULL;
	so += 4;
	for (p = so; isdigit((unsigned char)*p); p++)
		digits++;
	if (digits < 3 || *p != '.' || !isdigit((unsigned char)p[1]))
		return NULL;
	return p[strspn(p, "0123456789.")] == '\0' ? so : NULL;
}
