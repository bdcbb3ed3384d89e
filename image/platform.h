/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * platform: os, architecture and variant in OCI's terms (Go's GOARCH names).
 */
#include <stdbool.h>
#include <stddef.h>

struct error;

struct platform {
	char os[16];
	char architecture[16];
	char variant[8]; /* "" when none */
};

/** platform_get_host() - of this machine (uname) */
void platform_get_host(struct platform *ret);

/** platform_parse() - "linux/arm64/v8"; -EINVAL with @err */
int platform_parse(const char *text, struct platform *ret, struct error *err);

/**
 * platform_variant() - the acceptable variants, best first
 * @position: from 0
 *
 * Return: the variant ("" for none given), NULL past the last.
 */
const char *platform_variant(const struct platform *wanted, size_t position);
