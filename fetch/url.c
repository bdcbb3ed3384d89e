/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/url.h"

#include "common/buffer.h"
#include "fetch/curl_library.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int copy_part(const struct curl_library *curl, CURLU *handle,
		     CURLUPart part, unsigned flags, char **ret)
{
	char *text;
	char *copy;

	if (curl->curl_url_get(handle, part, &text, flags) != CURLUE_OK)
		return -EINVAL;
	copy = strdup(text);
	curl->curl_free(text);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

/* "[::1]" to "::1", letters to lower case. */
static void normalize_host(char *host)
{
	size_t len = strlen(host);

	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		memmove(host, host + 1, len - 2);
		host[len - 2] = '\0';
	}
	for (char *p = host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
}

static int get_parts(const struct curl_library *curl, CURLU *handle,
		     struct url *url)
{
	char *port = NULL;
	int r;

	r = copy_part(curl, handle, CURLUPART_SCHEME, 0, &url->scheme);
	if (r == 0)
		r = copy_part(curl, handle, CURLUPART_HOST, 0, &url->host);
	if (r == 0)
		r = copy_part(curl, handle, CURLUPART_PORT, CURLU_DEFAULT_PORT,
			      &port);
	if (r < 0)
		return r;
	assert(url->scheme && url->host && port);
	normalize_host(url->host);
	url->port = (unsigned)strtoul(port, NULL, 10);
	free(port);
	if (strcmp(url->scheme, "http") != 0 &&
	    strcmp(url->scheme, "https") != 0)
		return -EINVAL;
	return 0;
}

int url_parse(const char *text, struct url *ret)
{
	const struct curl_library *curl;
	struct url url = { 0 };
	CURLU *handle;
	int r = curl_library_load(&curl, NULL);

	if (r < 0)
		return r;
	handle = curl->curl_url();
	if (!handle)
		return -ENOMEM;
	r = curl->curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK
		    ? 0
		    : -EINVAL;
	if (r == 0)
		r = get_parts(curl, handle, &url);
	curl->curl_url_cleanup(handle);
	if (r < 0)
		url_fini(&url);
	else
		*ret = url;
	return r;
}

int url_resolve(const char *base, const char *location, char **ret)
{
	const struct curl_library *curl;
	CURLU *handle;
	int r = curl_library_load(&curl, NULL);

	if (r < 0)
		return r;
	handle = curl->curl_url();
	if (!handle)
		return -ENOMEM;
	if (curl->curl_url_set(handle, CURLUPART_URL, base, 0) != CURLUE_OK ||
	    curl->curl_url_set(handle, CURLUPART_URL, location,
			       CURLU_URLENCODE) != CURLUE_OK)
		r = -EINVAL;
	if (r == 0)
		r = copy_part(curl, handle, CURLUPART_URL, 0, ret);
	curl->curl_url_cleanup(handle);
	return r;
}

void url_fini(struct url *url)
{
	free(url->scheme);
	free(url->host);
	*url = (struct url){ 0 };
}

bool url_is_same_origin(const struct url *a, const struct url *b)
{
	return a->port == b->port && strcmp(a->scheme, b->scheme) == 0 &&
	       strcmp(a->host, b->host) == 0;
}

bool url_host_is_loopback(const char *host)
{
	static const char suffix[] = ".localhost";
	size_t len = strlen(host);
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return strcasecmp(host, "localhost") == 0 ||
	       (len >= sizeof(suffix) &&
		strcasecmp(host + len - (sizeof(suffix) - 1), suffix) == 0);
}

void url_redact(const char *text, char ret[URL_REDACTED_SIZE])
{
	const char *colon = strstr(text, "://");
	const char *authority = colon ? colon + 3 : text;
	size_t authority_len = strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', authority_len);
	const char *host = at ? at + 1 : authority;
	size_t host_len = strcspn(host, "?#");

	/* The lengths are int-sized: a longer text would be cut anyway. */
	if (host_len > URL_REDACTED_SIZE)
		host_len = URL_REDACTED_SIZE;
	snprintf(ret, URL_REDACTED_SIZE, "%.*s%.*s",
		 colon && authority - text < 16 ? (int)(authority - text) : 0,
		 text, (int)host_len, host);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(const char *text, size_t len, char *ret, size_t size)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		int high = -1;
		int low = -1;

		if (out + 1 >= size)
			return false;
		if (text[i] == '%' && i + 2 < len) {
			high = hex_value(text[i + 1]);
			low = hex_value(text[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			ret[out++] = (char)(high * 16 + low);
			i += 2;
		} else {
			ret[out++] = text[i];
		}
	}
	ret[out] = '\0';
	return true;
}

bool url_find_query(const char *text, const char *name, char *ret, size_t size)
{
	const char *p = strchr(text, '?');
	size_t name_len = strlen(name);

	while (p && *p && *p != '#') {
		size_t len = strcspn(++p, "&#");

		if (len > name_len && p[name_len] == '=' &&
		    strncasecmp(p, name, name_len) == 0)
			return decode(p + name_len + 1, len - name_len - 1, ret,
				      size);
		p += len;
	}
	return false;
}

static int append_escaped(struct buffer *buffer, const char *text)
{
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;
		char escaped[4];
		int r;

		if (isalnum(c) || strchr("-._~", c))
			r = buffer_append(buffer, p, 1);
		else
			r = buffer_append(buffer, escaped,
					  (size_t)snprintf(escaped,
							   sizeof(escaped),
							   "%%%02X", c));
		if (r < 0)
			return r;
	}
	return 0;
}

int url_append_parameter(struct buffer *buffer, const char *name,
			 const char *value)
{
	char last = buffer->size ? (char)buffer->data[buffer->size - 1] : '&';
	int r = 0;

	if (last != '?' && last != '&')
		r = buffer_append(buffer, "&", 1);
	if (r == 0)
		r = append_escaped(buffer, name);
	if (r == 0)
		r = buffer_append(buffer, "=", 1);
	if (r == 0)
		r = append_escaped(buffer, value);
	return r;
}
