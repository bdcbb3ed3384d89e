/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/registry_list.h"

#include "common/cleanup.h"
#include "image/image_name.h"
#include "image/oci_layout.h"
#include "tools/registry_answer.h"
#include "tools/registry_catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Query "n": absent or not a number is no bound. */
static size_t parse_count(const char *text)
{
	if (!text || !*text || strlen(text) > 9 ||
	    strspn(text, "0123456789") != strlen(text))
		return SIZE_MAX;
	return (size_t)strtoul(text, NULL, 10);
}

/* @names: sorted.  @path: of the list, for the link. */
static json_t *make_page(const char *const *names, size_t count,
			 const struct registry_request *request,
			 const char *path, char *ret_link, size_t link_size)
{
	size_t left = parse_count(request->count);
	json_t *page = json_array();
	const char *last = NULL;

	for (size_t i = 0; page && i < count; i++) {
		if (request->last && strcmp(names[i], request->last) <= 0)
			continue;
		if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
			continue;
		if (left-- == 0) {
			if (last)
				snprintf(ret_link, link_size,
					 "<%s?n=%s&last=%s>; rel=\"next\"",
					 path, request->count, last);
			break;
		}
		if (json_array_append_new(page, json_string(names[i])) < 0) {
			json_decref(page);
			return NULL;
		}
		last = names[i];
	}
	return page;
}

json_t *registry_list_repositories(const struct registry_catalog *catalog,
				   const struct registry_request *request,
				   char *ret_link, size_t link_size)
{
	size_t count = registry_catalog_count(catalog);
	autofree const char **names = calloc(count + 1, sizeof(*names));

	if (!names)
		return NULL;
	for (size_t i = 0; i < count; i++)
		names[i] = registry_catalog_name(catalog, i);
	return make_page(names, count, request, "/v2/_catalog", ret_link,
			 link_size);
}

json_t *registry_list_tags(const struct oci_layout_index *index,
			   const struct registry_request *request,
			   const char *name, char *ret_link, size_t link_size)
{
	autofree const char **tags = calloc(index->count + 1, sizeof(*tags));
	char path[IMAGE_NAME_REPOSITORY_LEN_MAX + 32];
	size_t count = 0;

	if (!tags)
		return NULL;
	for (uint32_t i = 0; i < index->count; i++)
		if (image_name_is_tag(index->entries[i].tag))
			tags[count++] = index->entries[i].tag;
	qsort(tags, count, sizeof(*tags), compare);
	snprintf(path, sizeof(path), "/v2/%s/tags/list", name);
	return make_page(tags, count, request, path, ret_link, link_size);
}
