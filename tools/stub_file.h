/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * stub_file: the file that `pull FILE IMAGE` leaves where apptainer would put a
 * whole image: the image by its digest, and its index (image/image_stub.h).
 *
 * Threads: any.
 */
#include <stdbool.h>
#include <stddef.h>

struct error;
struct session;

/**
 * stub_file_name() - what apptainer calls the file of an image
 *
 * NAME_TAG.sif of the last component of a registry's or layout's image, the
 * last component itself of a URL.
 *
 * Return: 0, -EINVAL (the image has no name) or -ENAMETOOLONG with @err.
 */
int stub_file_name(const char *image, char *ret, size_t size,
		   struct error *err);

/** stub_file_check() - is there a place for it? 0; -EEXIST unless @replaces,
 * -EISDIR */
int stub_file_check(const char *path, bool replaces, struct error *err);

/**
 * stub_file_write() - write it, executable, whole or not at all
 * @image:   as the user called it: no stub, file or directory
 * @session: of that image; its index, if open, goes into the file
 *
 * Return: 0; as stub_file_check(); -ENOTSUP (nothing that a stub could lead
 * to); -EFBIG; -ENOMEM; the write's errno.
 */
int stub_file_write(const char *path, bool replaces, const char *image,
		    struct session *session, struct error *err);
