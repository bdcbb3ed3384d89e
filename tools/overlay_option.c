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
	enum overlay_kind kind;
} magics[] = {
	{ 0, "hsqs", OVERLAY_TREE }, /* SquashFS */
	{ 32, "SIF_MAGIC", OVERLAY_TREE },
	{ 1080, "\x53\xef", OVERLAY_EXT },
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

/* What the file is. */
static int load_kind(const char *path, enum overlay_kind *ret,
		     struct error *err)
{
	/* a FIFO would be waited for without an end */
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char header[HEADER_SIZE];
	ssize_t size;

	if (fd < 0)
		return error_set_errno(err, -errno, "--overlay %s", path);
	size = pread(fd, header, sizeof(header), 0);
	if (size < 0 && errno == ESPIPE)
		size = 0; /* no file of any kind */
	if (size < 0)
		return error_set_errno(err, -errno, "--overlay %s", path);
	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++) {
		const char *bytes = magics[i].bytes;
		size_t off = magics[i].off;

		if ((size_t)size >= off + strlen(bytes) &&
		    memcmp(header + off, bytes, strlen(bytes)) == 0) {
			*ret = magics[i].kind;
			return 0;
		}
	}
	return error_set(err, -ENOTSUP,
			 "--overlay %s: neither a directory nor a SquashFS, "
			 "SIF or ext3 file",
			 path);
}

/* Overlayfs needs more of a file system that it writes to than fuse2fs has. */
static int add_ext(struct overlay_list *list, char *path, bool is_read_only,
		   struct error *err)
{
	autofree char *owned = path;

	if (!is_read_only)
		return error_set(err, -ENOTSUP,
				 "--overlay %s: an ext3 file can be read, not "
				 "written to: add :ro, and --overlay DIR for "
				 "what the job writes",
				 path);
	return add_layer(list, OVERLAY_EXT, STEAL_PTR(owned), err);
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
	enum overlay_kind kind = OVERLAY_TREE;
	int r;

	if (is_read_only || (colon && strcmp(colon, ":rw") == 0))
		*colon = '\0';
	if (strstr(text, "://"))
		return add_tree(list, strdup(text), true, err);
	path = realpath(text, NULL);
	if (!path)
		return error_set_errno(err, -errno, "--overlay %s", text);
	if (!is_directory(path)) {
		r = load_kind(path, &kind, err);
		if (r < 0)
			return r;
		return (kind == OVERLAY_EXT ? add_ext : add_tree)(
			list, STEAL_PTR(path), is_read_only, err);
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

int overlay_option_list_mounts(const struct overlay_list *list,
			       const char **ret, size_t size, struct error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (list->layers[i].kind == OVERLAY_DIRECTORY)
			continue;
		if (count == size)
			return error_set(err, -EFBIG,
					 "--overlay %s: at most %zu files can "
					 "be overlays",
					 list->layers[i].path, size);
		ret[count++] = list->layers[i].kind == OVERLAY_EXT
				       ? list->layers[i].path
				       : NULL;
	}
	return (int)count;
}

void overlay_option_fini(struct overlay_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->layers[i].path);
	free(list->layers);
	free(list->upper);
	*list = (struct overlay_list){ 0 };
}
