/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_config.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "image/json_reader.h"
#include "image/manifest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_list(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

void image_config_fini(struct image_config *config)
{
	free(config->architecture);
	free(config->os);
	free(config->variant);
	free(config->user);
	free(config->working_dir);
	free(config->stop_signal);
	free_list(config->env);
	free_list(config->entrypoint);
	free_list(config->cmd);
	free_list(config->labels);
	free(config->diff_ids);
	*config = (struct image_config){ 0 };
}

static int create_list(const char *key, size_t count, char ***ret,
		       struct error *err)
{
	if (count > IMAGE_CONFIG_LIST_MAX)
		return error_set(err, -EFBIG,
				 "\"%s\" has %zu entries; at most %d are "
				 "supported",
				 key, count, IMAGE_CONFIG_LIST_MAX);
	*ret = calloc(count + 1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

/* @object may be NULL: then the list is empty. */
static int load_list(const json_t *object, const char *key, char ***ret,
		     struct error *err)
{
	json_t *array = NULL;
	int r = json_reader_get_array(object, key, &array, err);

	if (r == 0)
		r = create_list(key, json_array_size(array), ret, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (!text)
			return error_set(err, -EPROTO,
					 "\"%s\": entry %zu is not a string",
					 key, i);
		(*ret)[i] = strdup(text);
		if (!(*ret)[i])
			return -ENOMEM;
	}
	return 0;
}

/* Entries that are not NAME=value could only confuse the job. */
static void drop_malformed_env(char **env)
{
	char **kept = env;

	for (char **p = env; *p; p++) {
		if (strchr(*p, '=') && **p != '=')
			*kept++ = *p;
		else
			free(*p);
	}
	*kept = NULL;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int load_labels(json_t *object, char ***ret, struct error *err)
{
	json_t *labels = NULL;
	json_t *value;
	const char *name;
	size_t count = 0;
	int r = json_reader_get_object(object, "Labels", &labels, err);

	if (r == 0)
		r = create_list("Labels", json_object_size(labels), ret, err);
	if (r < 0)
		return r;
	json_object_foreach (labels, name, value) {
		if (!json_is_string(value))
			return error_set(
				err, -EPROTO,
				"\"Labels\": \"%.80s\" is not a string", name);
		if (asprintf(&(*ret)[count], "%s=%s", name,
			     json_string_value(value)) < 0) {
			(*ret)[count] = NULL;
			return -ENOMEM;
		}
		count++;
	}
	qsort(*ret, count, sizeof(**ret), compare_texts);
	return 0;
}

static int load_diff_ids(const json_t *root, struct image_config *config,
			 struct error *err)
{
	json_t *rootfs = NULL;
	json_t *array = NULL;
	int r = json_reader_get_object(root, "rootfs", &rootfs, err);

	if (r == 0)
		r = json_reader_get_array(rootfs, "diff_ids", &array, err);
	if (r < 0)
		return r;
	if (json_array_size(array) > MANIFEST_LAYERS_MAX)
		return error_set(err, -EFBIG,
				 "\"diff_ids\" has %zu entries; at most %d are "
				 "supported",
				 json_array_size(array), MANIFEST_LAYERS_MAX);
	config->diff_ids =
		calloc(json_array_size(array) + 1, sizeof(*config->diff_ids));
	if (!config->diff_ids)
		return -ENOMEM;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));

		r = digest_parse(text ? text : "", &config->diff_ids[i], err);
		if (r < 0)
			return error_prefix(err, -EPROTO, "\"diff_ids\" %zu",
					    i);
		config->diff_id_count++;
	}
	return 0;
}

static int load_platform(const json_t *root, struct image_config *config,
			 struct error *err)
{
	int r = json_reader_copy_text(root, "architecture",
				      &config->architecture, err);

	if (r == 0)
		r = json_reader_copy_text(root, "os", &config->os, err);
	if (r == 0)
		r = json_reader_copy_text(root, "variant", &config->variant,
					  err);
	return r;
}

static int load_execution(const json_t *root, struct image_config *config,
			  struct error *err)
{
	json_t *object = NULL;
	int r = json_reader_get_object(root, "config", &object, err);

	if (r == 0)
		r = json_reader_copy_text(object, "User", &config->user, err);
	if (r == 0)
		r = json_reader_copy_text(object, "WorkingDir",
					  &config->working_dir, err);
	if (r == 0)
		r = json_reader_copy_text(object, "StopSignal",
					  &config->stop_signal, err);
	if (r == 0)
		r = load_list(object, "Env", &config->env, err);
	if (r == 0)
		r = load_list(object, "Entrypoint", &config->entrypoint, err);
	if (r == 0)
		r = load_list(object, "Cmd", &config->cmd, err);
	if (r == 0)
		r = load_labels(object, &config->labels, err);
	if (r == 0)
		drop_malformed_env(config->env);
	return r;
}

int image_config_parse(const void *json, size_t size, struct image_config *ret,
		       struct error *err)
{
	struct image_config config CLEANUP(image_config_fini) = { 0 };
	CLEANUP(json_reader_unrefp) json_t *root = NULL;
	int r;

	r = json_reader_parse(json, size, IMAGE_CONFIG_SIZE_MAX,
			      "image configuration", &root, err);
	if (r < 0)
		return r;
	r = load_platform(root, &config, err);
	if (r == 0)
		r = load_execution(root, &config, err);
	if (r == 0)
		r = load_diff_ids(root, &config, err);
	if (r == -ENOMEM)
		return error_set(err, r, "out of memory");
	if (r < 0)
		return error_prefix(err, r, "image configuration");
	*ret = config;
	config = (struct image_config){ 0 };
	return 0;
}
