/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * elf_library: what the dynamic linker asks of a library first: for which
 * machine it is, and under which name (DT_SONAME) programs look for it.
 *
 * Nothing of the file is loaded or executed, and every offset is checked.
 *
 * Threads: any.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ELF_LIBRARY_SONAME_SIZE = 256 };

struct elf_library {
	uint8_t class; /* ELFCLASS32 or ELFCLASS64 */
	uint8_t data;  /* ELFDATA2LSB or ELFDATA2MSB */
	uint16_t machine;
	char soname[ELF_LIBRARY_SONAME_SIZE]; /* "" without one */
};

/**
 * elf_library_read() - the header and, for this machine's byte order and 64
 * bits, the name
 *
 * Return: 0, -ENOEXEC (not an ELF file), or negative errno of reading.  A
 * damaged dynamic section gives no name.
 */
int elf_library_read(int fd, struct elf_library *ret);

/** elf_library_parse() - elf_library_read() of a file in memory */
int elf_library_parse(const uint8_t *data, size_t size,
		      struct elf_library *ret);

/** elf_library_is_same_kind() - whether one process could load both */
bool elf_library_is_same_kind(const struct elf_library *a,
			      const struct elf_library *b);
