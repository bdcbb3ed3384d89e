/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_name: the grammar of what image references are made of (OCI
 * distribution-spec v1.1, "Pulling manifests"; distribution/reference for
 * hosts; OCI image-spec v1.1 annotations.md for names in layouts).
 *
 * Threads: any; no shared state.
 */
#include <stdbool.h>
#include <stddef.h>

enum {
	IMAGE_NAME_REPOSITORY_LEN_MAX = 255,
	IMAGE_NAME_TAG_LEN_MAX = 128,
	IMAGE_NAME_HOST_LEN_MAX = 253 + 6, /* RFC 1035, and ":65535" */
	IMAGE_NAME_LAYOUT_TAG_LEN_MAX = 255,
};

/** image_name_is_repository() - "library/debian": lower-case components */
bool image_name_is_repository(const char *text);

/** image_name_is_tag() - "latest", "12.1-slim" */
bool image_name_is_tag(const char *text);

/** image_name_is_layout_tag() - value of org.opencontainers.image.ref.name,
 * which may itself be a whole name: "docker.io/library/debian:12" */
bool image_name_is_layout_tag(const char *text);

/** image_name_is_host() - "quay.io", "localhost:5000", "[::1]:5000" */
bool image_name_is_host(const char *text);
