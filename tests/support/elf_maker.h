/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * elf_maker: small 64-bit ELF files with a dynamic section, for tests.
 *
 * Layout: headers, interpreter and strings in a first segment of 1 KiB or
 * more, code_size bytes of code, then a segment that is written to, which
 * begins with the dynamic section.
 *
 * Threads: any.
 */
#include <stddef.h>
#include <stdint.h>

enum { ELF_MAKER_NEEDED_MAX = 4 };

struct elf_maker_options {
	const char *needed[ELF_MAKER_NEEDED_MAX]; /* up to a NULL */
	const char *rpath;
	const char *runpath;
	const char *interpreter;
	size_t strings_before; /* bytes of other strings */
	const char *constants[ELF_MAKER_NEEDED_MAX]; /* in the data */
	size_t code_size;
};

/** elf_maker_make() - for free() */
uint8_t *elf_maker_make(const struct elf_maker_options *options,
			size_t *ret_size);
