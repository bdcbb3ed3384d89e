/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * size_text: numbers with units, as people write and read them.
 */
#include <stddef.h>
#include <stdint.h>

struct error;

enum { SIZE_TEXT_MAX = 32 };

/**
 * size_text_parse() - "4096", "16M", "1.5G", "64MiB": bytes, powers of 1024
 *
 * Return: 0 or -EINVAL with @err naming @what ("--cache-size").
 */
int size_text_parse(const char *text, const char *what, uint64_t *ret,
		    struct error *err);

/**
 * size_text_parse_duration() - "30", "30s", "5m", "2h", "1d", "250ms"
 *
 * Return: 0 with milliseconds, or -EINVAL with @err naming @what.
 */
int size_text_parse_duration(const char *text, const char *what,
			     uint64_t *ret_ms, struct error *err);

/** size_text_format() - "1.4 MB", "812 kB", "17 B": powers of 1000 */
const char *size_text_format(uint64_t size, char ret[SIZE_TEXT_MAX]);
