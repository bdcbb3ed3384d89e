/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/gpu_list.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "gpu/gpu_host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const folders[] = {
	"/etc/lazyrun",
	"/etc/apptainer",
	"/etc/singularity",
};

static enum gpu_list_kind kind_of(const char *name)
{
	if (strstr(name, ".so"))
		return GPU_LIST_LIBRARY;
	return name[0] == '/' ? GPU_LIST_FILE : GPU_LIST_PROGRAM;
}

static int add(struct gpu_list *list, const char *name, size_t len)
{
	struct gpu_list_item *grown;
	char *copy;

	if (list->count >= GPU_LIST_ITEMS_MAX)
		return -EFBIG;
	grown = realloc(list->items, (list->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->items = grown;
	copy = strndup(name, len);
	if (!copy)
		return -ENOMEM;
	list->items[list->count++] = (struct gpu_list_item){
		.kind = kind_of(copy),
		.name = copy,
	};
	return 0;
}

int gpu_list_parse(const char *text, struct gpu_list *ret)
{
	int r = 0;

	while (r == 0 && *text) {
		size_t line = strcspn(text, "\n");
		size_t size = strcspn(text, "#\n");
		const char *start = text;

		while (size > 0 && strchr(" \t\r", start[0])) {
			start++;
			size--;
		}
		while (size > 0 && strchr(" \t\r", start[size - 1]))
			size--;
		if (size > 0)
			r = add(ret, start, size);
		text += line + (text[line] == '\n');
	}
	return r;
}

int gpu_list_load(const struct gpu_host *host, const char *name,
		  const char *built_in, struct gpu_list *ret, struct error *err)
{
	struct buffer text CLEANUP(buffer_fini) =
		BUFFER_INIT(GPU_LIST_SIZE_MAX);
	char path[128];
	int r = -ENOENT;

	for (size_t i = 0; r < 0 && i < sizeof(folders) / sizeof(*folders);
	     i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		text.size = 0;
		r = gpu_host_read(host, path, &text);
		if (r == -EFBIG)
			return error_set(err, r, "%s is larger than %d bytes",
					 path, GPU_LIST_SIZE_MAX);
	}
	r = gpu_list_parse(r < 0 ? built_in : (const char *)text.data, ret);
	if (r == -EFBIG)
		return error_set(err, r, "%s has more than %d names", path,
				 GPU_LIST_ITEMS_MAX);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

void gpu_list_fini(struct gpu_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].name);
	free(list->items);
	*list = (struct gpu_list){ 0 };
}
