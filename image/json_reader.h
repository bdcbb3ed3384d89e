/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * json_reader: JSON from registries and layouts, read with limits: size and
 * depth are bounded before jansson sees the bytes, duplicate keys and NUL
 * characters are refused, and every access names the field in its error.
 *
 * An absent field and one that is null are the same (Go's encoders write
 * both).
 *
 * Threads: any; no shared state.
 */
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct error;

enum { JSON_READER_DEPTH_MAX = 32 };

static inline void json_reader_unrefp(json_t **json)
{
	json_decref(*json);
}

/**
 * json_reader_parse() - one JSON object
 * @what:     names it in errors: "manifest"
 * @size_max: bytes; more is -EFBIG
 * @ret:      a new reference: json_decref()
 *
 * Return: 0, -EPROTO, -EFBIG, -ENOMEM.
 */
int json_reader_parse(const void *data, size_t size, size_t size_max,
		      const char *what, json_t **ret, struct error *err);

/*
 * The value of a field, borrowed; NULL when absent or null.
 * Return: 0, -EPROTO when it is something else than asked for.
 */
int json_reader_get_object(const json_t *object, const char *key, json_t **ret,
			   struct error *err);
int json_reader_get_array(const json_t *object, const char *key, json_t **ret,
			  struct error *err);
int json_reader_get_text(const json_t *object, const char *key,
			 const char **ret, struct error *err);

/** json_reader_copy_text() - malloc'ed; "" when absent; -EPROTO, -ENOMEM */
int json_reader_copy_text(const json_t *object, const char *key, char **ret,
			  struct error *err);

/** json_reader_get_size() - 0 to @max, must be there; -EPROTO */
int json_reader_get_size(const json_t *object, const char *key, uint64_t max,
			 uint64_t *ret, struct error *err);
