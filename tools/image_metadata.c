/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/image_metadata.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "tools/image_text.h"

#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
	TEXT_SIZE_MAX = 1 << 20,
};

/* One file, and what it is called in JSON. */
struct part {
	const char *name;
	const char *path;
	size_t off; /* of its flag in the options */
};

#define FLAG(member) offsetof(struct image_metadata_options, member)

static const struct part parts[] = {
	{ "runscript", "/.singularity.d/runscript", FLAG(runscript) },
	{ "test", "/.singularity.d/test", FLAG(test) },
	{ "helpfile", "/.singularity.d/runscript.help", FLAG(helpfile) },
	{ "deffile", "/.singularity.d/Singularity", FLAG(deffile) },
	{ "startscript", "/.singularity.d/startscript", FLAG(startscript) },
};

static const char *const scripts[] = {
	"/.singularity.d/env/10-docker2singularity.sh",
	"/.singularity.d/env/90-environment.sh",
	"/.singularity.d/env/91-environment.sh",
};

/* A file as a JSON text, without what stands blank at its end; NULL and 0
 * where there is none. */
static int load(const struct image_text_source *source, const char *path,
		json_t **ret, struct error *err)
{
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(TEXT_SIZE_MAX);
	int r = image_text_load(source, path, &text, err);

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

static int add_labels(const struct image_text_source *source,
		      const char *const *labels, json_t *attributes,
		      struct error *err)
{
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(TEXT_SIZE_MAX);
	int r = image_text_load(source, "/.singularity.d/labels.json", &text,
				err);
	json_t *object = NULL;

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

static int add_environment(const struct image_text_source *source,
			   json_t *attributes, struct error *err)
{
	json_t *object = json_object();
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(scripts) / sizeof(*scripts);
	     i++) {
		json_t *text = NULL;

		r = load(source, scripts[i], &text, err);
		if (text)
			json_object_set_new(object, scripts[i], text);
	}
	json_object_set_new(attributes, "environment", object);
	return r;
}

static bool is_wanted(const struct image_metadata_options *options, size_t off)
{
	return *(const bool *)((const char *)options + off);
}

static int collect(const struct image_text_source *source,
		   const struct image_metadata_options *options,
		   const char *const *labels, json_t *attributes,
		   struct error *err)
{
	int r = 0;

	if (options->environment)
		r = add_environment(source, attributes, err);
	if (r == 0 && options->labels)
		r = add_labels(source, labels, attributes, err);
	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(*parts); i++) {
		json_t *text = NULL;

		if (!is_wanted(options, parts[i].off))
			continue;
		r = load(source, parts[i].path, &text, err);
		if (text)
			json_object_set_new(attributes, parts[i].name, text);
	}
	return r;
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

int image_metadata_print(const struct image_text_source *source,
			 const struct image_metadata_options *options,
			 const char *const *labels, struct error *err)
{
	json_t *attributes = json_object();
	json_t *all = json_pack("{s:{s:o}, s:s}", "data", "attributes",
				attributes, "type", "container");
	int r;

	if (!all)
		return error_set(err, -ENOMEM, "out of memory");
	r = collect(source, options, labels, attributes, err);
	if (r == 0 && options->json) {
		json_dumpf(all, stdout, JSON_INDENT(8));
		printf("\n");
	} else if (r == 0) {
		print_text(attributes);
	}
	json_decref(all);
	return r;
}
