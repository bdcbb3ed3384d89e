/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/registry_route.h"

#include "image/image_name.h"

#include <stddef.h>
#include <string.h>

static const struct endpoint {
	const char *middle; /* between name and reference */
	enum registry_route_kind kind;
} endpoints[] = {
	{ "/manifests", REGISTRY_ROUTE_MANIFEST },
	{ "/blobs", REGISTRY_ROUTE_BLOB },
	{ "/referrers", REGISTRY_ROUTE_REFERRERS },
	{ "/tags", REGISTRY_ROUTE_TAGS },
};

/* @rest: "NAME/middle/reference" */
static void parse_repository(const char *rest, struct registry_route *ret)
{
	const char *slash = strrchr(rest, '/');

	if (!slash || !slash[1])
		return;
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		size_t len = strlen(endpoints[i].middle);
		size_t name_len = (size_t)(slash - rest);

		if (name_len <= len ||
		    strncmp(slash - len, endpoints[i].middle, len) != 0)
			continue;
		name_len -= len;
		if (name_len >= sizeof(ret->name))
			return;
		memcpy(ret->name, rest, name_len);
		ret->name[name_len] = '\0';
		ret->kind = endpoints[i].kind;
		ret->reference = slash + 1;
	}
}

void registry_route_parse(const char *path, struct registry_route *ret)
{
	*ret = (struct registry_route){ .reference = "" };
	if (strncmp(path, "/v2", 3) != 0)
		return;
	path += 3;
	if (strcmp(path, "") == 0 || strcmp(path, "/") == 0)
		ret->kind = REGISTRY_ROUTE_BASE;
	else if (strcmp(path, "/_catalog") == 0)
		ret->kind = REGISTRY_ROUTE_CATALOG;
	else if (path[0] == '/')
		parse_repository(path + 1, ret);
	if (ret->kind == REGISTRY_ROUTE_TAGS &&
	    strcmp(ret->reference, "list") != 0)
		ret->kind = REGISTRY_ROUTE_UNKNOWN;
	if (ret->name[0] && !image_name_is_repository(ret->name))
		ret->kind = REGISTRY_ROUTE_UNKNOWN;
}
