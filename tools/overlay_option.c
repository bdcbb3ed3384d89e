/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/overlay_option.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/log.h"
#include "tools/option.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_SIZE = 2048 };

/* What files of a kind have where. */
static const struct {
	size_t off;
	const char *bytes;
} tree_magics[] = {
	{ 0, "hsqs" }, /* SquashFS */
	{ 32, "SIF_MAGIC" },
};

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Takes @path over.  The one given last is the uppermost. */
static int add_layer(struct overlay_list *list, enum overlay_kind kind,
		     char *path, struct error *err)
{
	struct overlay_layer *grown =
		realloc(list->layers, (list->count + 1) * sizeof(*grown));

	if (!grown || !path) {
		free(path);
		list->layers = grown ? grown : list->layers;
		return error_set(err, -ENOMEM, "out of memory");
	}
	memmove(grown + 1, grown, list->count * sizeof(*grown));
	grown[0] = (struct overlay_layer){ .kind = kind, .path = path };
	list->layers = grown;
	list->count++;
	return 0;
}

/* A read-only one may be what a writable one was before. */
static int add_directory(struct overlay_list *list, const char *dir,
			 struct error *err)
{
	char *path = NULL;

	if (asprintf(&path, "%s/upper", dir) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (!is_directory(path)) {
		free(path);
		path = strdup(dir);
	}
	return add_layer(list, OVERLAY_DIRECTORY, path, err);
}

/* Whether the file is one that we can mount. */
static int check_tree(const char *path, struct error *err)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char header[HEADER_SIZE];
	ssize_t size;

	if (fd < 0)
		return error_set_errno(err, -errno, "--overlay %s", path);
	size = pread(fd, header, sizeof(header), 0);
	if (size < 0)
		return error_set_errno(err, -errno, "--overlay %s", path);
	for (size_t i = 0; i < sizeof(tree_magics) / sizeof(*tree_magics);
	     i++) {
		const char *bytes = tree_magics[i].bytes;
		size_t off = tree_magics[i].off;

		if ((size_t)size >= off + strlen(bytes) &&
		    memcmp(header + off, bytes, strlen(bytes)) == 0)
			return 0;
	}
	return error_set(err, -ENOTSUP,
			 "--overlay %s: neither a directory nor a SquashFS "
			 "file or SIF; mount another file system image on the "
			 "host first (ext3: fuse2fs FILE DIR), and name DIR, "
			 "with :ro",
			 path);
}

static int add_tree(struct overlay_list *list, char *path, bool is_read_only,
		    struct error *err)
{
	if (!is_read_only)
		log_event(LOG_WARN, "tools",
			  "op=overlay text=\"%s can only be read: going on "
			  "with :ro\"",
			  path);
	return add_layer(list, OVERLAY_TREE, path, err);
}

static int add_one(struct overlay_list *list, char *text, struct error *err)
{
	char *colon = strrchr(text, ':');
	bool is_read_only = colon && strcmp(colon, ":ro") == 0;
	autofree char *path = NULL;
	int r;

	if (is_read_only || (colon && strcmp(colon, ":rw") == 0))
		*colon = '\0';
	if (strstr(text, "://"))
		return add_tree(list, strdup(text), true, err);
	path = realpath(text, NULL);
	if (!path)
		return error_set_errno(err, -errno, "--overlay %s", text);
	if (!is_directory(path)) {
		r = check_tree(path, err);
		return r < 0 ? r
			     : add_tree(list, STEAL_PTR(path), is_read_only,
					err);
	}
	if (is_read_only)
		return add_directory(list, path, err);
	if (list->upper)
		return error_set(err, -EINVAL,
				 "--overlay %s: only one can be written to; "
				 "add :ro to the others",
				 text);
	list->upper = STEAL_PTR(path);
	return 0;
}

int overlay_option_parse(const struct option_list *options,
			 struct overlay_list *ret, struct error *err)
{
	for (size_t i = 0; i < options->count; i++) {
		autofree char *copy = strdup(options->values[i]);
		char *rest = copy;
		char *text;

		if (!copy)
			return error_set(err, -ENOMEM, "out of memory");
		while ((text = strsep(&rest, ","))) {
			int r = *text ? add_one(ret, text, err) : 0;

			if (r < 0)
				return r;
		}
	}
	return 0;
}

unsigned overlay_option_count_mounts(const struct overlay_list *list)
{
	unsigned count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->layers[i].kind != OVERLAY_DIRECTORY;
	return count;
}

void overlay_option_fini(struct overlay_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->layers[i].path);
	free(list->layers);
	free(list->upper);
	*list = (struct overlay_list){ 0 };
}
