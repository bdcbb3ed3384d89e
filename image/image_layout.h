/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_layout: an image_origin that is an OCI layout on disk.
 */
struct error;
struct image_origin;
struct image_ref;

/** image_layout_create() - of an oci: reference; as oci_layout_open() */
int image_layout_create(const struct image_ref *ref, struct image_origin **ret,
			struct error *err);
