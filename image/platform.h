/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * platform: os, architecture and variant in OCI's terms (Go's GOARCH names;
 * OCI image-spec v1.1, image-index.md, "Platform Variants").
 *
 * Threads: any; no shared state.
 */
#include <stdbool.h>
#include <stddef.h>

struct error;

struct platform {
	char os[16];
	char architecture[16];
	char variant[8];    /* "" when none */
	unsigned cpu_level; /* amd64: the x86-64 level (1 to 4) of the CPU;
			       0 when the platform is not this machine's */
};

enum { PLATFORM_TEXT_SIZE = 16 + 16 + 8 };

/** platform_get_host() - of this machine (uname) */
void platform_get_host(struct platform *ret);

/** platform_parse() - "linux/arm64/v8"; -EINVAL with @err */
int platform_parse(const char *text, struct platform *ret, struct error *err);

/** platform_format() - "os/architecture[/variant]" */
void platform_format(const struct platform *platform,
		     char ret[PLATFORM_TEXT_SIZE]);

/**
 * platform_variant() - the acceptable variants, best first
 * @position: from 0
 *
 * A wanted variant, then the lesser ones, then "".  Without a wanted variant
 * "" comes first, so that nodes with different CPUs run the same image where
 * it has a plain one; then what the CPU (amd64) or any machine of that
 * architecture since long (arm: v7, arm64: v8) can run.
 *
 * Return: the variant ("" for none given), NULL past the last.
 */
const char *platform_variant(const struct platform *wanted, size_t position);
