/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_ref_object: the references whose image is one object: a file, a
 * directory, a URL, a path of a federation.  Internal to image_ref.c, which
 * says what is accepted.
 *
 * Threads: any; no shared state.
 */
#include <stdbool.h>

struct error;
struct image_ref;

enum {
	IMAGE_REF_OBJECT_OK = 0,
	IMAGE_REF_OBJECT_OTHER = 1, /* of no kind that is known here */
};

/**
 * image_ref_object_parse() - the kinds FILE, DIRECTORY, URL and OSDF
 * @ref: filled in part also after a failure; image_ref_fini() releases it
 *
 * Return: IMAGE_REF_OBJECT_OK, IMAGE_REF_OBJECT_OTHER, -EINVAL with @err set,
 * -ENOMEM.
 */
int image_ref_object_parse(const char *text, struct image_ref *ref,
			   struct error *err);

/** image_ref_object_make_absolute() - @path without symlinks where it exists,
 * else behind the working directory; *ret is malloc'ed.  0, -ENOMEM */
int image_ref_object_make_absolute(const char *path, char **ret);
