/* SPDX-License-Identifier: Apache-2.0 */
#include "image/json_reader.h"

#include "common/error.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/*
 * jansson descends one C frame a level and allows 2048; what we read needs
 * less than ten.  Counts brackets outside of strings, which is exact for valid
 * JSON and irrelevant for the rest.
 */
static bool is_too_deep(const char *text, size_t size)
{
	bool in_string = false;
	unsigned depth = 0;

	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > JSON_READER_DEPTH_MAX)
			return true;
	}
	return false;
}

int json_reader_parse(const void *data, size_t size, size_t size_max,
		      const char *what, json_t **ret, struct error *err)
{
	json_error_t detail;
	json_t *json;

	if (size > size_max)
		return error_set(err, -EFBIG,
				 "%s: %zu bytes are more than the %zu allowed",
				 what, size, size_max);
	if (is_too_deep(data, size))
		return error_set(err, -EPROTO,
				 "%s: nested more than %d levels deep", what,
				 JSON_READER_DEPTH_MAX);
	json = json_loadb(data, size, JSON_REJECT_DUPLICATES, &detail);
	if (!json && json_error_code(&detail) == json_error_out_of_memory)
		return error_set(err, -ENOMEM, "out of memory");
	if (!json)
		return error_set(err, -EPROTO,
				 "%s: not valid JSON: %s, line %d", what,
				 detail.text, detail.line);
	if (!json_is_object(json)) {
		json_decref(json);
		return error_set(err, -EPROTO, "%s: not a JSON object", what);
	}
	*ret = json;
	return 0;
}

static int get(const json_t *object, const char *key, json_type type,
	       json_t **ret, struct error *err)
{
	static const char *const type_names[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string",
	};
	json_t *value = json_object_get(object, key);

	if (json_is_null(value))
		value = NULL;
	if (value && json_typeof(value) != type)
		return error_set(err, -EPROTO, "\"%s\" is not %s", key,
				 type_names[type]);
	*ret = value;
	return 0;
}

int json_reader_get_object(const json_t *object, const char *key, json_t **ret,
			   struct error *err)
{
	return get(object, key, JSON_OBJECT, ret, err);
}

int json_reader_get_array(const json_t *object, const char *key, json_t **ret,
			  struct error *err)
{
	return get(object, key, JSON_ARRAY, ret, err);
}

int json_reader_get_text(const json_t *object, const char *key,
			 const char **ret, struct error *err)
{
	json_t *value = NULL;
	int r = get(object, key, JSON_STRING, &value, err);

	if (r == 0)
		*ret = value ? json_string_value(value) : NULL;
	return r;
}

int json_reader_copy_text(const json_t *object, const char *key, char **ret,
			  struct error *err)
{
	const char *text = NULL;
	char *copy;
	int r = json_reader_get_text(object, key, &text, err);

	if (r < 0)
		return r;
	copy = strdup(text ? text : "");
	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	*ret = copy;
	return 0;
}

int json_reader_get_size(const json_t *object, const char *key, uint64_t max,
			 uint64_t *ret, struct error *err)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > max)
		return error_set(err, -EPROTO,
				 "\"%s\" is not a whole number from 0 to %llu",
				 key, (unsigned long long)max);
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}
