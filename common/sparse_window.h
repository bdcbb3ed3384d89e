/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sparse_window: the 32 KiB before a deflate span, of which the span refers to
 * 5 to 11 % (indexing.md section 1.2).  Bytes that the span never refers to
 * are zeroed and the result is compressed by zstd at level 3.
 *
 * Encoded form (docs/index-format.md, "Windows"): one zstd frame of the
 * zero-filled window, 1 to 32768 bytes long, without a content checksum.
 * A span whose every byte is self-contained has no window at all.
 *
 * Threads: any; no shared state.
 */
#include <stddef.h>
#include <stdint.h>

enum { SPARSE_WINDOW_SIZE_MAX = 32768 };

/**
 * sparse_window_encode() - compress a window that was already zero-filled
 * @window: 1 to SPARSE_WINDOW_SIZE_MAX bytes, oldest first
 *
 * The same input gives the same output, always (index files are deterministic).
 *
 * Return: bytes written to @ret_data (CHUNK_WINDOW_SIZE_MAX always suffices),
 * or -ENOMEM.
 */
int sparse_window_encode(const void *window, size_t size, void *ret_data,
			 size_t ret_capacity);

/**
 * sparse_window_decode() - the inverse, for untrusted bytes
 * @ret_window: room for SPARSE_WINDOW_SIZE_MAX bytes
 *
 * Return: the window's size, -EBADMSG, or -ENOMEM.
 */
int sparse_window_decode(const void *data, size_t size, void *ret_window);
