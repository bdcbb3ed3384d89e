/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_stub: a small file that stands for an image at a URL.
 *
 * HTCondor hands a job's container image over as a file.  Where lazyrun's file
 * transfer plugin did that, the file is this, and lazyrun opens the URL:
 *
 *	lazyrun-stub 1
 *	url: osdf:///ns/path/x.sif
 *	digest: sha256:...
 *
 * The digest is that of the image's manifest as it was when the stub was made;
 * without one, any version of the image will do.
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
	IMAGE_STUB_SIZE_MAX = 16384, /* of the file */
	IMAGE_STUB_URL_SIZE = 8192,
};

struct image_stub {
	char url[IMAGE_STUB_URL_SIZE];
	bool has_digest;
	struct digest digest;
};

enum {
	IMAGE_STUB_FOUND = 0,
	IMAGE_STUB_NONE = 1, /* something else than a stub */
};

/**
 * image_stub_parse() - read one
 *
 * Lines that are not known are passed over.
 *
 * Return: IMAGE_STUB_FOUND, IMAGE_STUB_NONE, -EBADMSG (a stub without a URL,
 * or damaged).
 */
int image_stub_parse(const uint8_t *data, size_t size, struct image_stub *ret,
		     struct error *err);

/** image_stub_load() - image_stub_parse() of the regular file at @path, if it
 * is small enough to be one; IMAGE_STUB_NONE for whatever cannot be read */
int image_stub_load(const char *path, struct image_stub *ret,
		    struct error *err);

/** image_stub_format() - append the file's bytes; 0, -EFBIG, -ENOMEM */
int image_stub_format(const struct image_stub *stub, struct buffer *buffer);
