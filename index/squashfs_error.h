/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * squashfs_error: what is said of a SquashFS image that cannot be read.
 *
 * Threads: any; no state.
 */
struct error;

/** squashfs_error_damaged() - -EPROTO, with @what is wrong in the sentence */
int squashfs_error_damaged(struct error *err, const char *what);

/** squashfs_error_failed() - @code: -EFBIG (more than an index can hold) or
 * another negative errno of ours; returned */
int squashfs_error_failed(struct error *err, int code);
