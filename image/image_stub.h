/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_stub: a small file that stands for an image elsewhere.
 *
 * `lazyrun pull FILE IMAGE` leaves one, and so does the file transfer plugin
 *for HTCondor; lazyrun opens the image in its place:
 *
 *	#!/usr/bin/env -S lazyrun run
 *	lazyrun-stub 1
 *	url: osdf:///ns/path/x.sif
 *	digest: sha256:...
 *	index: sha256:...
 *
 *	(the index's bytes, to the end of the file)
 *
 * The first line makes the file executable and may be missing.  The digest is
 * that of the image's manifest as it was when the stub was made; without one,
 * any version of the image will do.  The index, which is optional, is packed
 * (docs/index-format.md); an empty line is in front of it, and its digest is
 * that of its bytes.
 *
 * Threads: any.
 */
#include "common/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;

enum {
	IMAGE_STUB_SIZE_MAX = 16384, /* of what is not the index */
	IMAGE_STUB_URL_SIZE = 8192,
	IMAGE_STUB_INDEX_SIZE_MAX = 256 << 20, /* ten million files */
};

struct image_stub {
	char url[IMAGE_STUB_URL_SIZE];
	bool has_digest;
	bool has_index;
	struct digest digest;
	struct digest index; /* of its bytes */
	size_t index_off;    /* where they begin; parse sets it */
};

enum {
	IMAGE_STUB_FOUND = 0,
	IMAGE_STUB_NONE = 1, /* something else than a stub */
};

/**
 * image_stub_parse() - read one
 * @data: the file, or its first IMAGE_STUB_SIZE_MAX bytes
 *
 * Lines that are not known are passed over.
 *
 * Return: IMAGE_STUB_FOUND, IMAGE_STUB_NONE, -EBADMSG (a stub without a URL,
 * or damaged).
 */
int image_stub_parse(const uint8_t *data, size_t size, struct image_stub *ret,
		     struct error *err);

/** image_stub_load() - image_stub_parse() of the regular file at @path;
 * IMAGE_STUB_NONE for whatever cannot be read */
int image_stub_load(const char *path, struct image_stub *ret,
		    struct error *err);

/**
 * image_stub_load_index() - append the index in the file at @path
 * @stub: as image_stub_load() read it there, with an index
 *
 * Return: 0; -EBADMSG (not the bytes that the digest is of), -EFBIG (more than
 * IMAGE_STUB_INDEX_SIZE_MAX), -ENOMEM, the read's errno.
 */
int image_stub_load_index(const char *path, const struct image_stub *stub,
			  struct buffer *buffer, struct error *err);

/** image_stub_format() - append what comes before the index's bytes; 0, -EFBIG,
 * -ENOMEM */
int image_stub_format(const struct image_stub *stub, struct buffer *buffer);
