/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * elf_scan: what a dynamic loader will want of an ELF file, from the file's
 * bytes as they go by once, without keeping them.
 *
 * DT_NEEDED and DT_RPATH are offsets into a table of strings that lies before
 * the dynamic section that has them.  So strings that look like names of
 * libraries or like folders are noted on the way, and the dynamic section then
 * says which of them are meant.
 *
 * Also: which parts of the file the loader itself reads: the headers and the
 * tables that it searches and relocates by, and the segments that it writes
 * to.  Little-endian 64-bit files only.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum {
	ELF_SCAN_HEAD_SIZE = 4096, /* file and program headers, PT_INTERP */
	ELF_SCAN_DYNAMIC_SIZE = 4096,
	ELF_SCAN_LOAD_COUNT_MAX = 16,
	ELF_SCAN_STRING_SIZE_MAX = 1024,
	ELF_SCAN_STRING_COUNT_MAX = 512,
	ELF_SCAN_TEXT_SIZE = 32 << 10, /* of all strings */
	/* of one segment that may hold strings */
	ELF_SCAN_SEGMENT_SIZE_MAX = 24 << 20,
	/* of a segment that is written to, beside what is for relocation */
	ELF_SCAN_DATA_SIZE_MAX = 1 << 20,
	/* a smaller file is taken whole */
	ELF_SCAN_WHOLE_SIZE = 5 << 20,
	/* Unless it has so much code, and fewer relocations for each MiB of it:
	 * no tables of functions, no classes, and next to nothing of it runs
	 * when it is loaded.  Then so much at either end of the code. */
	ELF_SCAN_LOOSE_CODE_SIZE = 2 << 20,
	ELF_SCAN_LOOSE_RELOCATIONS = 128,
	ELF_SCAN_LOOSE_END_SIZE = 256 << 10,
	/* the same of a program: more of it runs at a start */
	ELF_SCAN_PROGRAM_SIZE = 16 << 20,
};

struct elf_scan_segment {
	uint64_t off;
	uint64_t size; /* in the file */
	uint64_t address;
	bool is_code;
	bool is_written;
};

/* A string that was noted; its text has a final NUL. */
struct elf_scan_string {
	uint64_t off;  /* in the file */
	uint32_t text; /* offset in the texts */
	uint32_t size; /* without the NUL */
	bool is_name;  /* of a module, perhaps */
};

struct elf_scan {
	bool is_over; /* not such a file, or nothing more to see */
	bool is_module;
	bool has_head;
	uint64_t file_size;
	uint64_t off; /* bytes seen */
	uint8_t head[ELF_SCAN_HEAD_SIZE];
	size_t head_size;
	struct elf_scan_segment loads[ELF_SCAN_LOAD_COUNT_MAX];
	size_t load_count;
	uint64_t dynamic_off;
	uint64_t dynamic_size; /* at most ELF_SCAN_DYNAMIC_SIZE */
	uint8_t dynamic[ELF_SCAN_DYNAMIC_SIZE];
	uint64_t relro_end; /* in the file: written by relocation only */
	uint64_t interpreter_off;
	uint64_t interpreter_size;
	uint64_t end; /* nothing is looked at from here on */

	struct elf_scan_string strings[ELF_SCAN_STRING_COUNT_MAX];
	size_t string_count;
	char texts[ELF_SCAN_TEXT_SIZE];
	size_t texts_size;
	/* the last bytes seen, and room for those that follow */
	uint8_t seam[2 * ELF_SCAN_STRING_SIZE_MAX];
	size_t seam_size;
	uint64_t seam_end; /* in the file */
};

/**
 * elf_scan_begin() - a file of @file_size bytes
 * @is_module: an extension module of Python: what it imports is among its
 *             strings, and is looked for if it is not large
 */
void elf_scan_begin(struct elf_scan *scan, uint64_t file_size, bool is_module);

/** elf_scan_feed() - its next bytes, in any portions */
void elf_scan_feed(struct elf_scan *scan, const uint8_t *data, size_t size);

/**
 * elf_scan_end() - what was found, as facts
 *
 * Depends on the bytes only, not on how they were portioned.
 *
 * Return: 0 or -ENOMEM.
 */
int elf_scan_end(struct elf_scan *scan, struct buffer *facts);

/*
 * For elf_extents.c.
 */

/** elf_scan_find_place() - where an address is in the file; false: nowhere */
bool elf_scan_find_place(const struct elf_scan *scan, uint64_t address,
			 uint64_t *ret_off);

/** elf_scan_dynamic_value() - of the first entry with this tag; 0: none */
uint64_t elf_scan_dynamic_value(const struct elf_scan *scan, int64_t tag);
