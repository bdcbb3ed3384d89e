/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object_location.h"

#include "common/cleanup.h"
#include "common/digest.h"
#include "common/error.h"
#include "fetch/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	QUERY_HEX_LEN = 16, /* of its digest: two objects of one path */
};

static bool has_scheme(const char *text, const char *scheme)
{
	size_t len = strlen(scheme);

	return strncasecmp(text, scheme, len) == 0 &&
	       strncmp(text + len, "://", 3) == 0;
}

bool object_location_is_url(const char *text)
{
	return has_scheme(text, "https") || has_scheme(text, "http");
}

/* "?query" as a digest: queries hold signatures and tokens. */
static void format_query(const char *query, size_t len, char ret[32])
{
	char hex[DIGEST_HEX_SIZE];
	struct digest digest;

	ret[0] = '\0';
	if (len <= 1)
		return;
	digest_compute(query + 1, len - 1, &digest);
	digest_format_hex(&digest, hex);
	snprintf(ret, 32, "?%.*s", QUERY_HEX_LEN, hex);
}

static char *make_name(const char *text, const struct url *url)
{
	const char *path = strstr(text, "://") + 3;
	bool is_default =
		url->port == (strcmp(url->scheme, "https") == 0 ? 443 : 80);
	bool is_v6 = strchr(url->host, ':');
	size_t path_len;
	char query[32];
	char port[16] = "";
	char *name = NULL;

	path += strcspn(path, "/?#");
	path_len = strcspn(path, "?#");
	format_query(path + path_len, strcspn(path + path_len, "#"), query);
	if (!is_default)
		snprintf(port, sizeof(port), ":%u", url->port);
	if (asprintf(&name, "%s://%s%s%s%s%s%.*s%s", url->scheme,
		     is_v6 ? "[" : "", url->host, is_v6 ? "]" : "", port,
		     path_len ? "" : "/", (int)path_len, path, query) < 0)
		return NULL;
	return name;
}

static int check_scheme(const struct url *url, const char *name,
			bool allow_http, struct error *err)
{
	if (strcmp(url->scheme, "https") == 0 || allow_http ||
	    url_host_is_loopback(url->host))
		return 0;
	return error_set(err, -EINVAL,
			 "%s: plain http lets anybody on the way change the "
			 "bytes; use https, or pass --insecure to allow it",
			 name);
}

int object_location_parse(const char *text, bool allow_http,
			  struct object_location *ret, struct error *err)
{
	struct object_location location CLEANUP(object_location_fini) = { 0 };
	struct url url CLEANUP(url_fini) = { 0 };
	int r = -EINVAL;

	if (object_location_is_url(text))
		r = url_parse(text, &url);
	if (r < 0)
		return error_set(err, r,
				 "not a URL of an object; https://HOST/PATH is "
				 "understood");
	location.url = strdup(text);
	location.name = make_name(text, &url);
	if (!location.url || !location.name)
		return error_set(err, -ENOMEM, "out of memory");
	r = check_scheme(&url, location.name, allow_http, err);
	if (r < 0)
		return r;
	*ret = location;
	location = (struct object_location){ 0 };
	return 0;
}

void object_location_fini(struct object_location *location)
{
	free(location->url);
	free(location->name);
	*location = (struct object_location){ 0 };
}
