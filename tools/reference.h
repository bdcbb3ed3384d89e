/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * reference: the user's words for an image, and what stands behind a stub
 * (image_stub.h).
 *
 * Threads: any.
 */
#include "common/digest.h"

#include <stdint.h>

struct error;
struct image;
struct image_ref;

/* What a stub said; started from `= { 0 }`. */
struct reference_stub {
	struct digest digest; /* of the image; all zero: any */
	struct digest index;  /* of the index it brought, by which the cache
				 has it; all zero: none */
	uint64_t index_off;
	char *path; /* of the file; owned; NULL: there was no stub */
};

void reference_stub_fini(struct reference_stub *stub);

/**
 * reference_parse() - image_ref_parse(), and through a file that is a stub
 * @ret:      started from `= { 0 }`; image_ref_fini() releases it
 * @ret_stub: to reference_stub_fini() even after a failure
 *
 * Return: 0 or as image_ref_parse(); -EBADMSG (a damaged stub, or one that
 * leads to a SIF, a stub or a directory of this machine).
 */
int reference_parse(const char *text, struct image_ref *ret,
		    struct reference_stub *ret_stub, struct error *err);

/**
 * reference_open_index() - the index that the stub brought
 * @cache_dir_fd: where it is kept unpacked, under the digest of its own bytes:
 *                a forged one is nobody's but this stub's
 *
 * Return: a descriptor for index_file_open(); -ENOENT (there is none), -EBADMSG
 * (damaged), or the cache's errno, with @err.
 */
int reference_open_index(const struct reference_stub *stub, int cache_dir_fd,
			 struct error *err);

/** reference_check() - warn when the image is not what the stub was made of:
 * it was replaced meanwhile */
void reference_check(const struct reference_stub *stub,
		     const struct image *image);
