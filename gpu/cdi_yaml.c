/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/cdi_yaml.h"

#include "common/error.h"
#include "gpu/yaml_library.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const struct yaml_library *yaml;
	yaml_parser_t parser;
	unsigned node_count;
	struct error *err;
};

static int say_wrong(struct reader *reader, const char *what, size_t line)
{
	return error_set(reader->err, -EBADMSG, "line %zu: %s", line + 1, what);
}

/* The caller deletes the event after success. */
static int next(struct reader *reader, yaml_event_t *event)
{
	if (reader->yaml->yaml_parser_parse(&reader->parser, event))
		return 0;
	return say_wrong(reader,
			 reader->parser.problem ? reader->parser.problem
						: "this is not YAML",
			 reader->parser.problem_mark.line);
}

/* Digits, with a sign perhaps. */
static bool is_integer(const char *text, size_t len)
{
	size_t i = len > 0 && (text[0] == '-' || text[0] == '+');

	if (i == len || len - i > 18)
		return false;
	for (; i < len; i++)
		if (!isdigit((unsigned char)text[i]))
			return false;
	return true;
}

static bool is_word(const char *text, const char *lower)
{
	return strcasecmp(text, lower) == 0;
}

static json_t *make_scalar(const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;

	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		if (is_integer(text, len))
			return json_integer(strtoll(text, NULL, 10));
		if (len == 0 || is_word(text, "null") || is_word(text, "~"))
			return json_null();
		if (is_word(text, "true") || is_word(text, "false"))
			return json_boolean(is_word(text, "true"));
	}
	/* NULL when it is not UTF-8, or has a NUL */
	return memchr(text, '\0', len) ? NULL : json_stringn(text, len);
}

static bool has_name(const yaml_event_t *event)
{
	if (event->type == YAML_SCALAR_EVENT)
		return event->data.scalar.anchor || event->data.scalar.tag;
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return event->data.sequence_start.anchor ||
		       event->data.sequence_start.tag;
	if (event->type == YAML_MAPPING_START_EVENT)
		return event->data.mapping_start.anchor ||
		       event->data.mapping_start.tag;
	return event->type == YAML_ALIAS_EVENT;
}

static int read_node(struct reader *reader, const yaml_event_t *event,
		     unsigned depth, json_t **ret);

static int read_sequence(struct reader *reader, unsigned depth, json_t *list)
{
	for (;;) {
		yaml_event_t event;
		json_t *item = NULL;
		bool is_end;
		int r = next(reader, &event);

		if (r < 0)
			return r;
		is_end = event.type == YAML_SEQUENCE_END_EVENT;
		if (!is_end)
			r = read_node(reader, &event, depth + 1, &item);
		reader->yaml->yaml_event_delete(&event);
		if (r < 0 || is_end)
			return r;
		if (json_array_append_new(list, item) < 0)
			return -ENOMEM;
	}
}

static int read_value(struct reader *reader, unsigned depth, json_t *map,
		      const char *key)
{
	yaml_event_t event;
	json_t *value = NULL;
	int r = next(reader, &event);

	if (r < 0)
		return r;
	r = read_node(reader, &event, depth + 1, &value);
	reader->yaml->yaml_event_delete(&event);
	if (r < 0)
		return r;
	return json_object_set_new(map, key, value) < 0 ? -ENOMEM : 0;
}

static int read_mapping(struct reader *reader, unsigned depth, json_t *map)
{
	for (;;) {
		yaml_event_t event;
		size_t line;
		int r = next(reader, &event);

		if (r < 0)
			return r;
		line = event.start_mark.line;
		if (event.type == YAML_MAPPING_END_EVENT) {
			reader->yaml->yaml_event_delete(&event);
			return 0;
		}
		if (event.type != YAML_SCALAR_EVENT || has_name(&event) ||
		    memchr(event.data.scalar.value, '\0',
			   event.data.scalar.length))
			r = say_wrong(reader, "a key is not a plain text",
				      line);
		else if (json_object_get(map,
					 (const char *)event.data.scalar.value))
			r = say_wrong(reader, "a key is there twice", line);
		else
			r = read_value(reader, depth, map,
				       (const char *)event.data.scalar.value);
		reader->yaml->yaml_event_delete(&event);
		if (r < 0)
			return r;
	}
}

static int read_node(struct reader *reader, const yaml_event_t *event,
		     unsigned depth, json_t **ret)
{
	size_t line = event->start_mark.line;
	json_t *node;
	int r = 0;

	if (has_name(event))
		return say_wrong(reader,
				 "anchors, aliases and tags are not allowed",
				 line);
	if (depth > CDI_YAML_DEPTH_MAX ||
	    ++reader->node_count > CDI_YAML_NODES_MAX)
		return say_wrong(reader, "the document is too large", line);
	if (event->type == YAML_SCALAR_EVENT)
		node = make_scalar(event);
	else if (event->type == YAML_SEQUENCE_START_EVENT)
		node = json_array();
	else if (event->type == YAML_MAPPING_START_EVENT)
		node = json_object();
	else
		return say_wrong(reader, "a value is missing", line);
	if (!node)
		return say_wrong(reader, "a text is not UTF-8", line);
	if (event->type == YAML_SEQUENCE_START_EVENT)
		r = read_sequence(reader, depth, node);
	else if (event->type == YAML_MAPPING_START_EVENT)
		r = read_mapping(reader, depth, node);
	if (r < 0)
		json_decref(node);
	else
		*ret = node;
	return r;
}

static int expect(struct reader *reader, yaml_event_type_t type)
{
	yaml_event_t event;
	int r = next(reader, &event);

	if (r < 0)
		return r;
	if (event.type != type)
		r = say_wrong(reader, "there is more or less than one document",
			      event.start_mark.line);
	reader->yaml->yaml_event_delete(&event);
	return r;
}

static int read_document(struct reader *reader, json_t **ret)
{
	yaml_event_t event;
	int r = expect(reader, YAML_STREAM_START_EVENT);

	if (r == 0)
		r = expect(reader, YAML_DOCUMENT_START_EVENT);
	if (r == 0)
		r = next(reader, &event);
	if (r < 0)
		return r;
	r = read_node(reader, &event, 0, ret);
	reader->yaml->yaml_event_delete(&event);
	if (r == 0)
		r = expect(reader, YAML_DOCUMENT_END_EVENT);
	if (r == 0)
		r = expect(reader, YAML_STREAM_END_EVENT);
	return r;
}

int cdi_yaml_load(const uint8_t *data, size_t size, json_t **ret,
		  struct error *err)
{
	struct reader reader = { .err = err };
	json_t *root = NULL;
	int r = yaml_library_load(&reader.yaml, err);

	if (r < 0)
		return r;
	if (!reader.yaml->yaml_parser_initialize(&reader.parser))
		return error_set(err, -ENOMEM, "out of memory");
	reader.yaml->yaml_parser_set_input_string(&reader.parser, data, size);
	r = read_document(&reader, &root);
	reader.yaml->yaml_parser_delete(&reader.parser);
	if (r == 0)
		*ret = root;
	else
		json_decref(root);
	return r == -ENOMEM ? error_set(err, r, "out of memory") : r;
}
