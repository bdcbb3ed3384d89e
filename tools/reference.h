/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * reference: the user's words for an image, and what stands behind a stub
 * (image_stub.h).
 *
 * Threads: any.
 */
struct digest;
struct error;
struct image;
struct image_ref;

/**
 * reference_parse() - image_ref_parse(), and through a file that is a stub
 * @ret:          started from `= { 0 }`; image_ref_fini() releases it
 * @ret_expected: the digest that the stub has; all zero without one
 *
 * Return: 0 or as image_ref_parse(); -EBADMSG (a damaged stub, or one that
 * leads to a file of this machine).
 */
int reference_parse(const char *text, struct image_ref *ret,
		    struct digest *ret_expected, struct error *err);

/** reference_check() - warn when the image is not what the stub was made of:
 * it was replaced meanwhile.  @expected: all zero: nothing is expected */
void reference_check(const struct digest *expected, const struct image *image);
