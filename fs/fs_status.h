/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_status: what the root's user.lazyrun.* attributes say (fs_server.h lists
 * them).
 * Threads: any; values are read one by one, not at one instant.
 */
#include <stddef.h>

struct fs_context;

enum { FS_STATUS_VALUE_SIZE = 96 }; /* the longest value, a digest, and NUL */

/** fs_status_name() - name number @position; NULL past the last */
const char *fs_status_name(size_t position);

/** fs_status_format() - value number @position as text
 *
 * Return: its length.
 */
size_t fs_status_format(const struct fs_context *ctx, size_t position,
			char ret[FS_STATUS_VALUE_SIZE]);
