/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * file_blob: a blob that is a local file (an OCI layout's, a SIF on disk).
 */
#include <stdint.h>

struct error;
struct object_identity;
struct range_source;

/**
 * file_blob_open() - a local regular file as a range_source
 * @size: what the descriptor says; -EPROTO when the file's size differs
 *
 * Fetches complete on the caller's thread, before range_source_fetch()
 * returns.  Return: 0, the open's negative errno, -EPROTO, -ENOMEM.
 */
int file_blob_open(int dir_fd, const char *path, uint64_t size,
		   struct range_source **ret, struct error *err);

/**
 * file_blob_open_object() - a local file that nothing else describes
 * @path: absolute
 * @ret_identity: "file:PATH", the size, the time of the last change;
 *                object_identity_fini() releases it
 *
 * A fetch after the file was changed or replaced in place fails (-ESTALE).
 *
 * Return: 0, the open's negative errno with a sentence, -ENOTSUP (no regular
 * file), -ENOMEM.
 */
int file_blob_open_object(const char *path, struct range_source **ret,
			  struct object_identity *ret_identity,
			  struct error *err);
