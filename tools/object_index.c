/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/object_index.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "image/image_ref.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".lzi"

bool object_index_is_for(const struct image_ref *ref)
{
	return ref->kind == IMAGE_REF_FILE || ref->kind == IMAGE_REF_URL ||
	       ref->kind == IMAGE_REF_OSDF;
}

/* What stands for the object below a directory: a path without a leading '/'
 * and without a query. */
static const char *path_below(const struct image_ref *ref, size_t *ret_len)
{
	const char *path = ref->path;

	if (ref->kind == IMAGE_REF_URL)
		path = strstr(ref->text, "://") + 3;
	*ret_len = strcspn(path, ref->kind == IMAGE_REF_URL ? "?" : "");
	while (*ret_len > 0 && *path == '/') {
		path++;
		(*ret_len)--;
	}
	return path;
}

/* Keeps *ret when a file of that name can be read. */
static int try(char **ret, int printed)
{
	if (printed < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	if (access(*ret, R_OK) == 0)
		return 0;
	free(*ret);
	*ret = NULL;
	return 0;
}

static int find(const struct image_ref *ref, const char *dir, char **ret)
{
	const char *path;
	const char *base;
	size_t len;
	int r = 0;

	if (ref->kind == IMAGE_REF_FILE)
		r = try(ret, asprintf(ret, "%s" SUFFIX, ref->path));
	if (r < 0 || *ret || !dir)
		return r;
	path = path_below(ref, &len);
	if (memmem(path, len, "..", 2))
		return 0; /* not out of the directory */
	r = try(ret, asprintf(ret, "%s/%.*s" SUFFIX, dir, (int)len, path));
	if (r < 0 || *ret)
		return r;
	base = memrchr(path, '/', len);
	if (!base)
		return 0;
	base++;
	return try(ret, asprintf(ret, "%s/%.*s" SUFFIX, dir,
				 (int)(len - (size_t)(base - path)), base));
}

int object_index_find(const struct image_ref *ref, const char *dir, char **ret,
		      struct error *err)
{
	char *path = NULL;
	int r = object_index_is_for(ref) ? find(ref, dir, &path) : 0;

	if (r < 0)
		return error_set(err, r, "out of memory");
	*ret = path;
	return 0;
}
