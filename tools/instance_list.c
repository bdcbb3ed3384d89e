/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/instance_list.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "tools/instance_dir.h"
#include "tools/instance_link.h"
#include "tools/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

int instance_list_open_dir(const struct common_options *options,
			   struct error *err)
{
	autoclose int cache_fd = -1;
	char path[PATH_MAX];
	int r = session_format_cache_dir(options, path, sizeof(path), err);

	if (r == 0)
		r = io_mkdir_all(path, 0700, err);
	if (r < 0)
		return r;
	cache_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cache_fd < 0)
		return error_set_errno(err, -errno, "cannot open %s", path);
	return instance_dir_open(cache_fd, err);
}

int instance_list_ask(const struct common_options *options, json_t **ret,
		      struct error *err)
{
	autofree struct instance_entry *entries = NULL;
	autoclose int dir_fd = instance_list_open_dir(options, err);
	json_t *list;
	int count;

	if (dir_fd < 0)
		return dir_fd;
	count = instance_dir_list(dir_fd, &entries);
	if (count < 0)
		return error_set_errno(err, count, "cannot list the instances");
	list = json_array();
	for (int i = 0; list && i < count; i++) {
		autofree char *text = NULL;
		json_t *one;

		if (instance_link_ask(dir_fd, &entries[i], &text) < 0)
			continue;
		one = json_loads(text, 0, NULL);
		if (json_is_object(one))
			json_array_append(list, one);
		json_decref(one);
	}
	if (!list)
		return error_set(err, -ENOMEM, "out of memory");
	*ret = list;
	return 0;
}
