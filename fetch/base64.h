/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * base64: RFC 4648, section 4, as the Basic scheme and auth files use it.
 * Threads: no shared state.
 */
#include <stddef.h>

/** base64_encode() - malloc'ed text with padding, NULL when out of memory */
char *base64_encode(const void *data, size_t size);

/**
 * base64_decode() - decode text, with or without its padding
 * @ret: malloc'ed, NUL-terminated behind @ret_size bytes
 *
 * Return: 0, -EINVAL (another character, a length that cannot be), -ENOMEM.
 */
int base64_decode(const char *text, char **ret, size_t *ret_size);
