/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/gpu_plan.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room for one more; arrays grow at powers of two. */
static int grow(void **array, size_t count, size_t size)
{
	void *grown;

	if (count >= GPU_PLAN_ITEMS_MAX)
		return -EFBIG;
	if (count & (count - 1))
		return 0;
	grown = realloc(*array, (count ? count * 2 : 1) * size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	return 0;
}

/* Takes ownership of both texts, NULL when they could not be had. */
static int add_bind(struct gpu_plan *plan, struct gpu_plan_bind bind)
{
	int r = bind.source && bind.destination
			? grow((void **)&plan->binds, plan->bind_count,
			       sizeof(bind))
			: -ENOMEM;

	if (r < 0) {
		free(bind.source);
		free(bind.destination);
		return r;
	}
	plan->binds[plan->bind_count++] = bind;
	return 0;
}

static bool has_bind(const struct gpu_plan *plan, const char *destination)
{
	for (size_t i = 0; i < plan->bind_count; i++)
		if (strcmp(plan->binds[i].destination, destination) == 0)
			return true;
	return false;
}

int gpu_plan_add_bind(struct gpu_plan *plan, const char *source,
		      const char *destination, bool is_read_only)
{
	assert(source[0] == '/' && destination[0] == '/');
	if (has_bind(plan, destination))
		return 0;
	return add_bind(plan, (struct gpu_plan_bind){
				      .source = strdup(source),
				      .destination = strdup(destination),
				      .is_read_only = is_read_only,
			      });
}

int gpu_plan_add_device(struct gpu_plan *plan, const char *source,
			const char *destination)
{
	if (has_bind(plan, destination))
		return 0;
	return add_bind(plan, (struct gpu_plan_bind){
				      .source = strdup(source),
				      .destination = strdup(destination),
				      .is_device = true,
			      });
}

const char *gpu_plan_find_link(const struct gpu_plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->link_count; i++)
		if (strcmp(plan->links[i].path, path) == 0)
			return plan->links[i].target;
	return NULL;
}

int gpu_plan_add_link(struct gpu_plan *plan, const char *path,
		      const char *target)
{
	struct gpu_plan_link link;
	int r;

	assert(path[0] == '/');
	if (gpu_plan_find_link(plan, path))
		return 0;
	r = grow((void **)&plan->links, plan->link_count, sizeof(link));
	if (r < 0)
		return r;
	link = (struct gpu_plan_link){ strdup(path), strdup(target) };
	if (!link.path || !link.target) {
		free(link.path);
		free(link.target);
		return -ENOMEM;
	}
	plan->links[plan->link_count++] = link;
	return 0;
}

static int add_file(struct gpu_plan *plan, const char *path, const char *text,
		    bool is_mask)
{
	struct gpu_plan_file file;
	int r = grow((void **)&plan->files, plan->file_count, sizeof(file));

	if (r < 0)
		return r;
	file = (struct gpu_plan_file){ strdup(path), strdup(text), is_mask };
	if (!file.path || !file.text) {
		free(file.path);
		free(file.text);
		return -ENOMEM;
	}
	plan->files[plan->file_count++] = file;
	return 0;
}

int gpu_plan_add_mask(struct gpu_plan *plan, const char *path, const char *text)
{
	return add_file(plan, path, text, true);
}

int gpu_plan_add_file(struct gpu_plan *plan, const char *path, const char *text)
{
	return add_file(plan, path, text, false);
}

int gpu_plan_add_text(struct gpu_plan_texts *texts, const char *fmt, ...)
{
	autofree char *text = NULL;
	va_list args;
	int n;
	int r;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->values[i], text) == 0)
			return 0;
	r = grow((void **)&texts->values, texts->count, sizeof(char *));
	if (r < 0)
		return r;
	texts->values[texts->count++] = STEAL_PTR(text);
	return 0;
}

/* The number of the directory that @real lies in, bound when it is new. */
static int place_dir(struct gpu_plan *plan, const char *real, size_t *ret)
{
	const char *slash = strrchr(real, '/');
	autofree char *dir =
		slash ? strndup(real, (size_t)(slash - real)) : NULL;
	char destination[64];
	int r;

	assert(slash);
	if (!dir)
		return -ENOMEM;
	for (size_t i = 0; i < plan->library_dirs.count; i++) {
		if (strcmp(plan->library_dirs.values[i], dir) != 0)
			continue;
		*ret = i;
		return 0;
	}
	*ret = plan->library_dirs.count;
	r = gpu_plan_add_text(&plan->library_dirs, "%s", dir);
	if (r < 0)
		return r;
	snprintf(destination, sizeof(destination), GPU_PLAN_DIR "/%zu", *ret);
	return gpu_plan_add_bind(plan, dir[0] ? dir : "/", destination, true);
}

int gpu_plan_place_library(struct gpu_plan *plan, const char *real, char **ret)
{
	size_t index;
	int r = place_dir(plan, real, &index);

	if (r < 0)
		return r;
	if (asprintf(ret, GPU_PLAN_DIR "/%zu%s", index, strrchr(real, '/')) < 0)
		return -ENOMEM;
	return 0;
}

int gpu_plan_add_library(struct gpu_plan *plan, const char *name,
			 const char *real)
{
	autofree char *path = NULL;
	autofree char *target = NULL;
	int r;

	assert(!strchr(name, '/'));
	if (asprintf(&path, GPU_PLAN_LIBS "/%s", name) < 0)
		return -ENOMEM;
	if (gpu_plan_find_link(plan, path))
		return 0;
	r = gpu_plan_place_library(plan, real, &target);
	return r < 0 ? r : gpu_plan_add_link(plan, path, target);
}

struct gpu_plan *gpu_plan_create(void)
{
	return calloc(1, sizeof(struct gpu_plan));
}

static void texts_fini(struct gpu_plan_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->values[i]);
	free(texts->values);
}

void gpu_plan_destroy(struct gpu_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->bind_count; i++) {
		free(plan->binds[i].source);
		free(plan->binds[i].destination);
	}
	for (size_t i = 0; i < plan->link_count; i++) {
		free(plan->links[i].path);
		free(plan->links[i].target);
	}
	for (size_t i = 0; i < plan->file_count; i++) {
		free(plan->files[i].path);
		free(plan->files[i].text);
	}
	free(plan->binds);
	free(plan->links);
	free(plan->files);
	texts_fini(&plan->environment);
	texts_fini(&plan->library_first);
	texts_fini(&plan->library_last);
	texts_fini(&plan->notes);
	texts_fini(&plan->library_dirs);
	free(plan);
}
