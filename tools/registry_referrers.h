/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_referrers: which manifests of a layout have another as their
 * "subject" (OCI distribution-spec v1.1, "Listing Referrers").
 *
 * Only manifests that index.json names are looked at.
 *
 * Threads: any; no shared state.
 */
#include <jansson.h>

struct digest;
struct error;
struct oci_layout;

/**
 * registry_referrers_load() - an index of the referrers, maybe empty
 * @artifact_type: only those of this type; NULL: all
 * @ret:           a new reference: json_decref()
 *
 * Manifests that are missing, damaged, malformed or larger than 1 MiB refer to
 * nothing.
 *
 * Return: 0, -ENOMEM, or as oci_layout_load_index().
 */
int registry_referrers_load(const struct oci_layout *layout,
			    const struct digest *subject,
			    const char *artifact_type, json_t **ret,
			    struct error *err);
