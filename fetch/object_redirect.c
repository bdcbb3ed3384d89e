/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object_redirect.h"

#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { REDIRECTS_MAX = 5 };

void object_redirect_fini(struct object_redirect *redirect)
{
	free(redirect->url);
	*redirect = (struct object_redirect){ 0 };
}

bool object_redirect_is_one(int status)
{
	return status == 301 || status == 302 || status == 303 ||
	       status == 307 || status == 308;
}

static bool is_http(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0;
}

static bool is_https(const char *url)
{
	return strncasecmp(url, "https://", 8) == 0;
}

int object_redirect_follow(struct object_redirect *redirect,
			   const struct http_response *response,
			   struct error *err)
{
	const char *to = response->location;
	char shown[URL_REDACTED_SIZE];
	char *copy;

	url_redact(response->url, shown);
	if (!to || !(is_https(to) || (is_http(to) && is_http(response->url))))
		return error_set(err, -EPROTO,
				 "%s: redirected to where lazyrun does not "
				 "follow (from https to http, or not a web "
				 "address)",
				 shown);
	if (++redirect->count > REDIRECTS_MAX)
		return error_set(err, -EPROTO, "%s: redirected in a circle",
				 shown);
	copy = strdup(to);
	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	free(redirect->url);
	redirect->url = copy;
	return 0;
}

bool object_redirect_is_same_host(const char *a, const char *b)
{
	size_t len = is_https(a) ? strlen("https://") : strlen("http://");

	len += strcspn(a + len, "/?#");
	return strncasecmp(a, b, len) == 0 &&
	       (b[len] == '\0' || strchr("/?#", b[len]));
}
