/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * oci_layout: an OCI image layout on disk (OCI image-spec v1.1,
 * image-layout.md): index.json names manifests, blobs/sha256/ holds all.
 *
 * Nothing is kept but the directory's descriptor: index.json is read at each
 * call, so that images added later are seen.
 *
 * Threads: any; an opened layout is immutable.  Blocks only on the disk.
 */
#include "common/cleanup.h"
#include "image/descriptor.h"

#include <stddef.h>
#include <stdint.h>

struct error;
struct oci_layout;
struct range_source;

struct oci_layout_entry {
	struct descriptor descriptor;
	char *tag; /* org.opencontainers.image.ref.name; "" when none */
};

struct oci_layout_index {
	struct oci_layout_entry *entries; /* in the file's order */
	uint32_t count;
};

/**
 * oci_layout_open() - open a directory that is a layout
 *
 * Return: 0; -ENOENT (no such directory, or no layout in it), -ENOTDIR,
 * -EACCES and what else open says; -EPROTO (its oci-layout file is malformed);
 * -ENOTSUP (another version than 1.x); -ENOMEM.
 */
int oci_layout_open(const char *path, struct oci_layout **ret,
		    struct error *err);
void oci_layout_close(struct oci_layout *layout);
DEFINE_CLEANUP(struct oci_layout, oci_layout_close);

/**
 * oci_layout_load_index() - what index.json names
 * @ret: oci_layout_index_fini() releases it; untouched on failure
 *
 * Return: 0, -ENOENT, -EPROTO, -ENOTSUP (digest algorithm), -EFBIG, -ENOMEM.
 */
int oci_layout_load_index(const struct oci_layout *layout,
			  struct oci_layout_index *ret, struct error *err);
void oci_layout_index_fini(struct oci_layout_index *index);

/**
 * oci_layout_find_entry() - by tag, or the only one there is
 * @tag: NULL when the layout is to hold one image
 * @ret: borrowed from @index
 *
 * Return: 0; -ENOENT with the tags there are in @err.
 */
int oci_layout_find_entry(const struct oci_layout_index *index, const char *tag,
			  const struct oci_layout_entry **ret,
			  struct error *err);

/**
 * oci_layout_open_file() - a blob's file, not checked against its digest
 * @ret_fd: the caller closes it
 *
 * Return: 0, the open's negative errno (-ENOENT: no such blob), -EPROTO (not a
 * regular file).
 */
int oci_layout_open_file(const struct oci_layout *layout,
			 const struct digest *digest, int *ret_fd,
			 uint64_t *ret_size, struct error *err);

/**
 * oci_layout_load_blob() - a small blob whole, checked against its digest
 * @size_max: bytes; more is -EFBIG
 * @ret:      malloc'ed, NUL-terminated behind @ret_size; the caller frees
 *
 * Return: 0, -EFBIG, -EBADMSG (digest), -ENOMEM, or as oci_layout_open_file().
 */
int oci_layout_load_blob(const struct oci_layout *layout,
			 const struct digest *digest, size_t size_max,
			 uint8_t **ret, size_t *ret_size, struct error *err);

/** oci_layout_open_blob() - as a range_source; as file_blob_open() */
int oci_layout_open_blob(const struct oci_layout *layout,
			 const struct digest *digest, uint64_t size,
			 struct range_source **ret, struct error *err);
