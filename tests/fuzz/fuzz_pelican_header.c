/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A director's answer: header lines, as they come from the network.  What is
 * read of them must stay in bounds and be text, servers must be web addresses.
 */
#include "fetch/pelican_header.h"

#include "fetch/http_client.h"
#include "fetch/http_response.h"
#include "fetch/link_header.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t size)
{
	assert(memchr(text, '\0', size));
	for (; *text; text++)
		assert((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_link(const char *text)
{
	struct link_header *link = malloc(sizeof(*link));
	const char *cursor = text;

	while (link && link_header_next(&cursor, link) == LINK_HEADER_FOUND) {
		assert(cursor > text && cursor <= text + strlen(text));
		check_text(link->url, sizeof(link->url));
		check_text(link->rel, sizeof(link->rel));
		assert(*link->url && !strchr(link->url, ' '));
	}
	free(link);
}

static void check_namespace(const struct http_response *response)
{
	struct pelican_namespace *ns = malloc(sizeof(*ns));

	if (!ns)
		return;
	pelican_header_read_namespace(response, ns);
	check_text(ns->path, sizeof(ns->path));
	for (unsigned i = 0; i < ns->issuer_count; i++)
		check_text(ns->issuers[i], sizeof(ns->issuers[i]));
	for (unsigned i = 0; i < ns->base_path_count; i++)
		check_text(ns->base_paths[i], sizeof(ns->base_paths[i]));
	free(ns);
}

static void check_servers(const struct http_response *response)
{
	struct pelican_servers servers = { 0 };

	if (pelican_header_read_servers(response, &servers) < 0)
		return;
	assert(servers.count <= PELICAN_HEADER_SERVERS_MAX);
	for (unsigned i = 0; i < servers.count; i++)
		assert(strncasecmp(servers.urls[i], "http", 4) == 0);
	pelican_servers_fini(&servers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_response_parts *parts =
		http_response_create("https://director/ns/a");
	const char *p = (const char *)data;
	const char *end = p + size;
	char *text = strndup(p, size);

	if (!parts || !text)
		abort();
	check_link(text);
	parts->keeps_headers = true;
	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((newline ? newline + 1 : end) - p);

		if (http_response_add_header(parts, p, len) < 0)
			abort();
		p += len;
	}
	check_namespace(&parts->response);
	check_servers(&parts->response);
	http_response_destroy(&parts->response);
	free(text);
	return 0;
}
