/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/pelican_header.h"

#include "fetch/http_client.h"
#include "fetch/link_header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Blanks around it are cut off.  False: empty, too long, or no text. */
static bool copy_trimmed(const char *p, size_t len, char *ret, size_t size)
{
	while (len > 0 && strchr(" \t\"", *p)) {
		p++;
		len--;
	}
	while (len > 0 && strchr(" \t\"", p[len - 1]))
		len--;
	if (len == 0 || len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			return false;
	memcpy(ret, p, len);
	ret[len] = '\0';
	return true;
}

int pelican_header_next(const char **cursor, struct pelican_header_pair *ret)
{
	const char *p = *cursor;

	while (*(p += strspn(p, " \t,"))) {
		size_t len = strcspn(p, ",");
		const char *equals = memchr(p, '=', len);
		const char *start = p;

		p += len;
		*cursor = p;
		if (equals &&
		    copy_trimmed(start, (size_t)(equals - start), ret->name,
				 sizeof(ret->name)) &&
		    copy_trimmed(equals + 1, (size_t)(p - equals - 1),
				 ret->value, sizeof(ret->value)))
			return PELICAN_HEADER_FOUND;
	}
	*cursor = p;
	return PELICAN_HEADER_END;
}

typedef void pair_fn(const struct pelican_header_pair *pair,
		     struct pelican_namespace *ret);

static void read_lines(const struct http_response *response, const char *name,
		       pair_fn *take, struct pelican_namespace *ret)
{
	struct pelican_header_pair pair;
	const char *cursor;

	for (unsigned i = 0;
	     (cursor = http_response_find_header(response, name, i)); i++)
		while (pelican_header_next(&cursor, &pair) ==
		       PELICAN_HEADER_FOUND)
			take(&pair, ret);
}

static bool is(const struct pelican_header_pair *pair, const char *name)
{
	return strcasecmp(pair->name, name) == 0;
}

static void take_namespace(const struct pelican_header_pair *pair,
			   struct pelican_namespace *ret)
{
	if (is(pair, "namespace") && pair->value[0] == '/')
		memcpy(ret->path, pair->value, sizeof(ret->path));
	else if (is(pair, "require-token"))
		ret->requires_token = strcasecmp(pair->value, "true") == 0;
}

static void take_issuer(const struct pelican_header_pair *pair,
			struct pelican_namespace *ret)
{
	if (!is(pair, "issuer") ||
	    ret->issuer_count == PELICAN_HEADER_ISSUERS_MAX ||
	    strlen(pair->value) >= PELICAN_HEADER_TEXT_SIZE)
		return;
	for (unsigned i = 0; i < ret->issuer_count; i++)
		if (strcmp(ret->issuers[i], pair->value) == 0)
			return;
	memcpy(ret->issuers[ret->issuer_count++], pair->value,
	       strlen(pair->value) + 1);
}

static void take_generation(const struct pelican_header_pair *pair,
			    struct pelican_namespace *ret)
{
	take_issuer(pair, ret);
	if (is(pair, "base-path") && pair->value[0] == '/' &&
	    ret->base_path_count < PELICAN_HEADER_BASE_PATHS_MAX)
		memcpy(ret->base_paths[ret->base_path_count++], pair->value,
		       sizeof(pair->value));
}

void pelican_header_read_namespace(const struct http_response *response,
				   struct pelican_namespace *ret)
{
	memset(ret, 0, sizeof(*ret));
	read_lines(response, "X-Pelican-Namespace", take_namespace, ret);
	read_lines(response, "X-Pelican-Authorization", take_issuer, ret);
	read_lines(response, "X-Pelican-Token-Generation", take_generation,
		   ret);
}

/* ---- servers ---- */

void pelican_servers_fini(struct pelican_servers *servers)
{
	for (unsigned i = 0; i < servers->count; i++)
		free(servers->urls[i]);
	servers->count = 0;
}

struct ranked {
	unsigned pris[PELICAN_HEADER_SERVERS_MAX];
};

static bool has_url(const struct pelican_servers *servers, const char *url)
{
	for (unsigned i = 0; i < servers->count; i++)
		if (strcmp(servers->urls[i], url) == 0)
			return true;
	return false;
}

/* In its place by pri; of equals the earlier one stays first. */
static int insert(struct pelican_servers *servers, struct ranked *ranked,
		  const char *url, unsigned pri)
{
	unsigned i = servers->count;
	char *copy;

	if (i == PELICAN_HEADER_SERVERS_MAX || has_url(servers, url))
		return 0;
	copy = strdup(url);
	if (!copy)
		return -ENOMEM;
	for (; i > 0 && ranked->pris[i - 1] > pri; i--) {
		servers->urls[i] = servers->urls[i - 1];
		ranked->pris[i] = ranked->pris[i - 1];
	}
	servers->urls[i] = copy;
	ranked->pris[i] = pri;
	servers->count++;
	return 0;
}

static bool is_web(const char *url)
{
	return strncasecmp(url, "https://", 8) == 0 ||
	       strncasecmp(url, "http://", 7) == 0;
}

static int read_links(const struct http_response *response,
		      struct pelican_servers *ret)
{
	struct link_header *link = malloc(sizeof(*link));
	struct ranked ranked = { 0 };
	const char *cursor;
	int r = link ? 0 : -ENOMEM;

	for (unsigned i = 0;
	     r == 0 &&
	     (cursor = http_response_find_header(response, "Link", i));
	     i++)
		while (r == 0 &&
		       link_header_next(&cursor, link) == LINK_HEADER_FOUND)
			if (strcasecmp(link->rel, "duplicate") == 0 &&
			    is_web(link->url))
				r = insert(ret, &ranked, link->url, link->pri);
	free(link);
	return r;
}

static int read_location(const struct http_response *response,
			 struct pelican_servers *ret)
{
	const char *location = response->location;
	char *url;

	if (!location || !is_web(location))
		return 0;
	url = strndup(location, strcspn(location, "?#"));
	if (!url)
		return -ENOMEM;
	ret->urls[ret->count++] = url;
	return 0;
}

int pelican_header_read_servers(const struct http_response *response,
				struct pelican_servers *ret)
{
	struct pelican_servers servers = { 0 };
	int r = read_links(response, &servers);

	if (r == 0 && servers.count == 0)
		r = read_location(response, &servers);
	if (r < 0)
		pelican_servers_fini(&servers);
	else
		*ret = servers;
	return r;
}
