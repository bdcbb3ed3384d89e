/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/oci_bundle.h"

#include "common/buffer.h"
#include "common/error.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONFIG_SIZE_MAX = 16 << 20, /* argv and environment: 6 MiB on Linux */
};

static int say_bad(const char *member, struct error *err)
{
	return error_set(err, -EINVAL,
			 "config.json: %s is missing, or not as the OCI "
			 "runtime specification has it",
			 member);
}

static void free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

/* A list of texts; one that is absent is empty. */
static int take_list(const json_t *array, const char *member, char ***ret,
		     struct error *err)
{
	size_t count = json_array_size(array);
	char **list = calloc(count + 1, sizeof(*list));

	if (!list)
		return error_set(err, -ENOMEM, "out of memory");
	*ret = list;
	if (array && !json_is_array(array))
		return say_bad(member, err);
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (!text)
			return say_bad(member, err);
		list[i] = strdup(text);
		if (!list[i])
			return error_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static bool has_option(const json_t *mount, const char *wanted)
{
	const json_t *options = json_object_get(mount, "options");
	const json_t *option;
	size_t i;

	json_array_foreach (options, i, option) {
		const char *text = json_string_value(option);

		if (text && strcmp(text, wanted) == 0)
			return true;
	}
	return false;
}

/* --bind's own letters with a backslash. */
static int append_escaped(struct buffer *text, const char *path)
{
	int r = 0;

	for (; r == 0 && *path; path++) {
		if (strchr(":,\\", *path))
			r = buffer_append(text, "\\", 1);
		if (r == 0)
			r = buffer_append(text, path, 1);
	}
	return r;
}

static int format_bind(const char *source, const char *destination,
		       bool is_read_only, char **ret)
{
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(CONFIG_SIZE_MAX);
	int r = append_escaped(&text, source);

	if (r == 0)
		r = buffer_append(&text, ":", 1);
	if (r == 0)
		r = append_escaped(&text, destination);
	if (r == 0 && is_read_only)
		r = buffer_append(&text, ":ro", 3);
	if (r == 0)
		r = buffer_terminate(&text);
	if (r == 0)
		*ret = (char *)STEAL_PTR(text.data);
	return r;
}

static bool is_bind(const json_t *mount)
{
	const char *type = json_string_value(json_object_get(mount, "type"));

	return (type && strcmp(type, "bind") == 0) ||
	       has_option(mount, "bind") || has_option(mount, "rbind");
}

static int take_binds(const json_t *mounts, struct oci_bundle *bundle,
		      struct error *err)
{
	size_t count = 0;
	const json_t *mount;
	size_t i;

	bundle->binds =
		calloc(json_array_size(mounts) + 1, sizeof(*bundle->binds));
	if (!bundle->binds)
		return error_set(err, -ENOMEM, "out of memory");
	json_array_foreach (mounts, i, mount) {
		const char *source =
			json_string_value(json_object_get(mount, "source"));
		const char *destination = json_string_value(
			json_object_get(mount, "destination"));

		if (!destination || destination[0] != '/')
			return say_bad("mounts[].destination", err);
		if (!is_bind(mount))
			continue; /* proc, sysfs, tmpfs: are there anyway */
		if (!source || source[0] != '/')
			return say_bad("mounts[].source", err);
		if (format_bind(source, destination, has_option(mount, "ro"),
				&bundle->binds[count++]) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int take_image(const char *dir, const json_t *config,
		      struct oci_bundle *bundle, struct error *err)
{
	const json_t *annotations = json_object_get(config, "annotations");
	const char *image = json_string_value(
		json_object_get(annotations, "org.lazyrun.image"));
	const char *path = json_string_value(
		json_object_get(json_object_get(config, "root"), "path"));
	int n;

	if (image)
		n = asprintf(&bundle->image, "%s", image);
	else if (!path || !*path)
		return say_bad("root.path", err);
	else if (path[0] == '/')
		n = asprintf(&bundle->image, "%s", path);
	else
		n = asprintf(&bundle->image, "%s/%s", dir, path);
	if (n < 0) {
		bundle->image = NULL;
		return error_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int take_all(const char *dir, const json_t *config,
		    struct oci_bundle *bundle, struct error *err)
{
	const json_t *process = json_object_get(config, "process");
	const char *cwd = json_string_value(json_object_get(process, "cwd"));
	int r;

	if (!cwd || cwd[0] != '/')
		return say_bad("process.cwd", err);
	bundle->cwd = strdup(cwd);
	if (!bundle->cwd)
		return error_set(err, -ENOMEM, "out of memory");
	r = take_list(json_object_get(process, "args"), "process.args",
		      &bundle->args, err);
	if (r == 0 && (!bundle->args || !bundle->args[0]))
		r = say_bad("process.args", err);
	if (r == 0)
		r = take_list(json_object_get(process, "env"), "process.env",
			      &bundle->env, err);
	if (r == 0)
		r = take_binds(json_object_get(config, "mounts"), bundle, err);
	return r < 0 ? r : take_image(dir, config, bundle, err);
}

static int read_config(const char *dir, json_t **ret, struct error *err)
{
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(CONFIG_SIZE_MAX);
	autoclose int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	json_error_t json_err;
	int r;

	if (dir_fd < 0)
		return error_set_errno(err, -errno, "cannot open the bundle %s",
				       dir);
	r = io_read_file(dir_fd, "config.json", &text, err);
	if (r < 0)
		return error_prefix(err, r, "%s", dir);
	*ret = json_loadb((const char *)text.data, text.size, 0, &json_err);
	if (!*ret)
		return error_set(err, -EINVAL, "%s/config.json, line %d: %s",
				 dir, json_err.line, json_err.text);
	return 0;
}

int oci_bundle_load(const char *dir, struct oci_bundle **ret, struct error *err)
{
	CLEANUP(oci_bundle_destroyp)
	struct oci_bundle *bundle = calloc(1, sizeof(*bundle));
	json_t *config = NULL;
	int r;

	if (!bundle)
		return error_set(err, -ENOMEM, "out of memory");
	r = read_config(dir, &config, err);
	if (r == 0)
		r = take_all(dir, config, bundle, err);
	json_decref(config);
	if (r == 0)
		*ret = STEAL_PTR(bundle);
	return r;
}

void oci_bundle_destroy(struct oci_bundle *bundle)
{
	if (!bundle)
		return;
	free(bundle->image);
	free(bundle->cwd);
	free_list(bundle->args);
	free_list(bundle->env);
	free_list(bundle->binds);
	free(bundle);
}
