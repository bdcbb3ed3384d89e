/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/image_metadata.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "tools/image_text.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
	TEXT_SIZE_MAX = 1 << 20,
};

#define APPS "/scif/apps"

/* One file, and what it is called in JSON. */
struct part {
	const char *name;
	const char *path; /* in /.singularity.d, or an application's scif */
	size_t off;	  /* of its flag in the options */
};

#define FLAG(member) offsetof(struct image_metadata_options, member)

static const struct part parts[] = {
	{ "runscript", "runscript", FLAG(runscript) },
	{ "test", "test", FLAG(test) },
	{ "helpfile", "runscript.help", FLAG(helpfile) },
	{ "deffile", "Singularity", FLAG(deffile) },
	{ "startscript", "startscript", FLAG(startscript) },
};

static const char *const scripts[] = {
	"env/10-docker2singularity.sh",
	"env/90-environment.sh",
	"env/91-environment.sh",
};

/* Where the files are: the image's own, or an application's. */
struct place {
	const struct image_text_source *source;
	const char *folder;
	const char *const *labels; /* without a file of them; NULL */
};

/* A file as a JSON text, without what stands blank at its end; NULL and 0
 * where there is none.  @path becomes the file's. */
static int load(const struct place *place, const char *name, char *path,
		json_t **ret, struct error *err)
{
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(TEXT_SIZE_MAX);
	int r;

	snprintf(path, PATH_MAX, "%s/%s", place->folder, name);
	r = image_text_load(place->source, path, &text, err);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	while (text.size > 0 && strchr(" \t\r\n", text.data[text.size - 1]))
		text.size--;
	*ret = json_stringn((const char *)text.data, text.size);
	if (!*ret)
		return error_set(err, -EBADMSG, "%s is no UTF-8 text", path);
	return 0;
}

static int add_labels(const struct place *place, json_t *attributes,
		      struct error *err)
{
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(TEXT_SIZE_MAX);
	const char *const *labels = place->labels;
	json_t *object = NULL;
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/labels.json", place->folder);
	r = image_text_load(place->source, path, &text, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0)
		object = json_loadb((const char *)text.data, text.size,
				    JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(object)) {
		json_decref(object);
		object = json_object();
	}
	for (; r == -ENOENT && labels && *labels; labels++) {
		size_t len = strcspn(*labels, "=");
		autofree char *name = strndup(*labels, len);

		if (name && (*labels)[len] == '=')
			json_object_set_new(object, name,
					    json_string(*labels + len + 1));
	}
	json_object_set_new(attributes, "labels", object);
	return 0;
}

static int add_environment(const struct place *place, json_t *attributes,
			   struct error *err)
{
	json_t *object = json_object();
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(scripts) / sizeof(*scripts);
	     i++) {
		json_t *text = NULL;

		r = load(place, scripts[i], path, &text, err);
		if (text)
			json_object_set_new(object, path, text);
	}
	json_object_set_new(attributes, "environment", object);
	return r;
}

static bool is_wanted(const struct image_metadata_options *options, size_t off)
{
	return *(const bool *)((const char *)options + off);
}

static int collect(const struct place *place,
		   const struct image_metadata_options *options,
		   json_t *attributes, struct error *err)
{
	char path[PATH_MAX];
	int r = 0;

	if (options->environment)
		r = add_environment(place, attributes, err);
	if (r == 0 && options->labels)
		r = add_labels(place, attributes, err);
	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(*parts); i++) {
		json_t *text = NULL;

		if (!is_wanted(options, parts[i].off))
			continue;
		r = load(place, parts[i].path, path, &text, err);
		if (text)
			json_object_set_new(attributes, parts[i].name, text);
	}
	return r;
}

/* What is asked of applications, and where it goes. */
struct apps {
	const struct image_text_source *source;
	const struct image_metadata_options *options;
	const char *wanted; /* NULL: all */
	json_t *object;
	struct error *err;
};

static int add_app(void *arg, const char *name)
{
	struct apps *apps = arg;
	char folder[PATH_MAX];
	const struct place place = { .source = apps->source, .folder = folder };
	json_t *attributes;

	if (apps->wanted && strcmp(apps->wanted, name) != 0)
		return 0;
	snprintf(folder, sizeof(folder), APPS "/%.255s/scif", name);
	attributes = json_object();
	json_object_set_new(apps->object, name, attributes);
	return collect(&place, apps->options, attributes, apps->err);
}

static void print_labels(json_t *labels)
{
	const char *names[1024];
	size_t count = 0;
	const char *name;
	json_t *value;

	json_object_foreach (labels, name, value) {
		size_t at = count;

		if (count == sizeof(names) / sizeof(*names))
			break;
		for (; at > 0 && strcmp(names[at - 1], name) > 0; at--)
			names[at] = names[at - 1];
		names[at] = name;
		count++;
	}
	for (size_t i = 0; i < count; i++) {
		const char *text =
			json_string_value(json_object_get(labels, names[i]));

		printf("%s: %s\n", names[i], text ? text : "");
	}
}

static void print_text(json_t *attributes)
{
	const char *name;
	json_t *value;

	print_labels(json_object_get(attributes, "labels"));
	json_object_foreach (json_object_get(attributes, "environment"), name,
			     value)
		printf("=== %s ===\n%s\n\n", name, json_string_value(value));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		value = json_object_get(attributes, parts[i].name);
		if (value)
			printf("%s\n", json_string_value(value));
	}
}

static int add_apps(const struct image_text_source *source,
		    const struct image_metadata_options *options,
		    json_t *attributes, struct error *err)
{
	struct apps apps = {
		.source = source,
		.options = options,
		.wanted = options->app,
		.object = json_object(),
		.err = err,
	};
	int r = image_text_list(source, APPS, add_app, &apps, err);

	if (r == 0 && options->app && json_object_size(apps.object) == 0)
		r = error_set(err, -ENOENT,
			      "the image has no application %.200s; "
			      "--list-apps names them",
			      options->app);
	if (json_object_size(apps.object) > 0)
		json_object_set(attributes, "apps", apps.object);
	json_decref(apps.object);
	return r;
}

int image_metadata_print(const struct image_text_source *source,
			 const struct image_metadata_options *options,
			 const char *const *labels, struct error *err)
{
	const struct place place = {
		.source = source,
		.folder = "/.singularity.d",
		.labels = labels,
	};
	json_t *attributes = json_object();
	json_t *all = json_pack("{s:{s:o}, s:s}", "data", "attributes",
				attributes, "type", "container");
	int r = 0;

	if (!all)
		return error_set(err, -ENOMEM, "out of memory");
	if (!options->app)
		r = collect(&place, options, attributes, err);
	if (r == 0 && (options->app || options->all_apps))
		r = add_apps(source, options, attributes, err);
	if (r == 0 && options->json) {
		json_dumpf(all, stdout, JSON_INDENT(8));
		printf("\n");
	} else if (r == 0 && options->app) {
		print_text(json_object_get(json_object_get(attributes, "apps"),
					   options->app));
	} else if (r == 0) {
		print_text(attributes);
	}
	json_decref(all);
	return r;
}

static int print_app(void *arg, const char *name)
{
	(void)arg;
	printf("%s\n", name);
	return 0;
}

int image_metadata_print_apps(const struct image_text_source *source,
			      struct error *err)
{
	return image_text_list(source, APPS, print_app, NULL, err);
}
