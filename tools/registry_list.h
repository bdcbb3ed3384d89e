/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_list: sorted lists of names in pages (OCI distribution-spec v1.1,
 * "Content Discovery"): query "n" bounds a page, "last" is where it goes on.
 *
 * Threads: any; no shared state.
 */
#include <jansson.h>
#include <stddef.h>

struct oci_layout_index;
struct registry_catalog;
struct registry_request;

/**
 * registry_list_repositories() - names of the catalog
 * @ret_link: value of a Link header to the next page; untouched when there is
 *            none
 *
 * Return: a new array, NULL when out of memory.
 */
json_t *registry_list_repositories(const struct registry_catalog *catalog,
				   const struct registry_request *request,
				   char *ret_link, size_t link_size);

/** registry_list_tags() - of one layout; what cannot be a tag is left out */
json_t *registry_list_tags(const struct oci_layout_index *index,
			   const struct registry_request *request,
			   const char *name, char *ret_link, size_t link_size);
