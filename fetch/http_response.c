/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http_response.h"

#include "fetch/url.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	RETRY_AFTER_S_MAX = 60,
	KEPT_SIZE_MAX = 256 << 10, /* http_transfer.c has a closer limit */
};

struct http_response_parts *http_response_create(const char *url)
{
	size_t size = strlen(url) + 1;
	struct http_response_parts *parts = calloc(1, sizeof(*parts) + size);

	if (!parts)
		return NULL;
	memcpy(parts->url, url, size);
	parts->response.url = parts->url;
	parts->response.challenges = (const char *const *)parts->challenges;
	parts->response.retry_after_ms = -1;
	parts->headers.size_max = KEPT_SIZE_MAX;
	return parts;
}

static void clear(char **value)
{
	free(*value);
	*value = NULL;
}

void http_response_clear_head(struct http_response_parts *parts)
{
	for (unsigned i = 0; i < parts->challenge_count; i++)
		clear(&parts->challenges[i]);
	parts->challenge_count = 0;
	clear(&parts->location);
	clear(&parts->content_type);
	clear(&parts->content_digest);
	clear(&parts->content_range);
	clear(&parts->content_length);
	clear(&parts->content_encoding);
	parts->has_retry_after = false;
	parts->headers.size = 0;
}

void http_response_destroy(struct http_response *response)
{
	struct http_response_parts *parts =
		(struct http_response_parts *)response;

	if (!parts)
		return;
	http_response_clear_head(parts);
	buffer_fini(&parts->headers);
	free(response->body);
	free(parts);
}

static int keep(const char *value, size_t len, char **ret)
{
	char *copy = strndup(value, len);

	if (!copy)
		return -ENOMEM;
	free(*ret);
	*ret = copy;
	return 0;
}

static int append_text(struct buffer *buffer, const char *text, size_t len)
{
	int r = buffer_append(buffer, text, len);

	return r < 0 ? r : buffer_append(buffer, "", 1);
}

/* A NUL within would shift all that follow. */
static int keep_header(struct http_response_parts *parts, const char *name,
		       size_t name_len, const char *value, size_t len)
{
	int r;

	if (!parts->keeps_headers || memchr(name, '\0', name_len) ||
	    memchr(value, '\0', len))
		return 0;
	r = append_text(&parts->headers, name, name_len);
	if (r == 0)
		r = append_text(&parts->headers, value, len);
	return r == -EFBIG ? 0 : r;
}

const char *http_response_find_header(const struct http_response *response,
				      const char *name, unsigned number)
{
	const struct http_response_parts *parts =
		(const struct http_response_parts *)response;
	const char *p = (const char *)parts->headers.data;
	const char *end = p ? p + parts->headers.size : NULL;

	while (p < end) {
		const char *value = p + strlen(p) + 1;

		if (strcasecmp(p, name) == 0 && number-- == 0)
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}

static bool is_name(const char *name, const char *line, size_t len)
{
	return strlen(name) == len && strncasecmp(name, line, len) == 0;
}

static int keep_value(struct http_response_parts *parts, const char *name,
		      size_t name_len, const char *value, size_t len)
{
	struct {
		const char *name;
		char **value;
	} const kept[] = {
		{ "Content-Range", &parts->content_range },
		{ "Content-Length", &parts->content_length },
		{ "Content-Encoding", &parts->content_encoding },
		{ "Content-Type", &parts->content_type },
		{ "Docker-Content-Digest", &parts->content_digest },
		{ "Location", &parts->location },
	};
	int r;

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (is_name(kept[i].name, name, name_len))
			return keep(value, len, kept[i].value);
	if (is_name("Retry-After", name, name_len))
		parts->has_retry_after = true;
	if (!is_name("WWW-Authenticate", name, name_len) ||
	    parts->challenge_count == HTTP_RESPONSE_CHALLENGES_MAX)
		return 0;
	r = keep(value, len, &parts->challenges[parts->challenge_count]);
	if (r == 0)
		parts->challenge_count++;
	return r;
}

int http_response_add_header(struct http_response_parts *parts,
			     const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const char *end = line + len;
	const char *value;
	int r;

	if (!colon)
		return 0;
	value = colon + 1;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && strchr(" \t\r\n", end[-1]))
		end--;
	r = keep_header(parts, line, (size_t)(colon - line), value,
			(size_t)(end - value));
	if (r < 0)
		return r;
	return keep_value(parts, line, (size_t)(colon - line), value,
			  (size_t)(end - value));
}

bool http_response_is_encoded(const struct http_response_parts *parts)
{
	return parts->content_encoding &&
	       strcasecmp(parts->content_encoding, "identity") != 0;
}

int http_response_reserve(struct http_response_parts *parts, size_t size)
{
	uint8_t *body;

	assert(size >= parts->response.body_size);
	body = realloc(parts->response.body, size + 1);
	if (!body)
		return -ENOMEM;
	parts->response.body = body;
	parts->body_capacity = size;
	return 0;
}

int http_response_append(struct http_response_parts *parts, const void *data,
			 size_t size, size_t size_max)
{
	struct http_response *response = &parts->response;
	size_t need = response->body_size + size;
	size_t capacity = parts->body_capacity;
	int r;

	assert(need <= size_max);
	if (need > capacity || !response->body) {
		capacity = capacity < 4096 ? 4096 : capacity * 2;
		if (capacity < need)
			capacity = need;
		if (capacity > size_max)
			capacity = size_max;
		r = http_response_reserve(parts, capacity);
		if (r < 0)
			return r;
	}
	memcpy(response->body + response->body_size, data, size);
	response->body_size = need;
	return 0;
}

int http_response_complete(struct http_response_parts *parts,
			   int64_t retry_after_s)
{
	struct http_response *response = &parts->response;
	char *resolved = NULL;

	/* A Location that means nothing counts as absent. */
	if (parts->location &&
	    url_resolve(parts->url, parts->location, &resolved) == -ENOMEM)
		return -ENOMEM;
	free(parts->location);
	parts->location = resolved;
	response->location = resolved;
	if (parts->content_type)
		parts->content_type[strcspn(parts->content_type, "; \t")] =
			'\0';
	response->content_type = parts->content_type;
	response->content_digest = parts->content_digest;
	if (retry_after_s < 0)
		retry_after_s = 0;
	if (retry_after_s > RETRY_AFTER_S_MAX)
		retry_after_s = RETRY_AFTER_S_MAX;
	if (parts->has_retry_after)
		response->retry_after_ms = retry_after_s * 1000;
	if (!response->body && http_response_reserve(parts, 0) < 0)
		return -ENOMEM;
	response->body[response->body_size] = '\0';
	return 0;
}
