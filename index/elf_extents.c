/* SPDX-License-Identifier: Apache-2.0 */
#include "index/elf_extents.h"

#include "common/buffer.h"
#include "common/le.h"
#include "index/elf_scan.h"
#include "index/hint_fact.h"

#include <elf.h>

#ifndef DT_RELRSZ /* glibc before 2.36 */
#define DT_RELRSZ 35
#endif

enum { PAGE_SIZE = 4096, MIB = 1 << 20 };

static int add_extent(uint64_t off, uint64_t size, struct buffer *facts)
{
	uint8_t bytes[16];

	le_store64(bytes, off);
	le_store64(bytes + 8, size);
	return hint_fact_add(facts, HINT_FACT_EXTENT, bytes, sizeof(bytes));
}

/* The end of what the loader reads at the file's start: its tables lie in the
 * first segment, code and constants follow them. */
static uint64_t tables_end(const struct elf_scan *scan)
{
	static const int64_t tables[][2] = {
		{ DT_STRTAB, DT_STRSZ },
		{ DT_RELA, DT_RELASZ },
		{ DT_JMPREL, DT_PLTRELSZ },
	};
	const struct elf_scan_segment *first = &scan->loads[0];
	uint64_t end = PAGE_SIZE;

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		uint64_t size = elf_scan_dynamic_value(scan, tables[i][1]);
		uint64_t off;

		if (elf_scan_find_place(
			    scan, elf_scan_dynamic_value(scan, tables[i][0]),
			    &off) &&
		    le_range_fits(off, size, first->off + first->size) &&
		    off + size > end)
			end = off + size;
	}
	return end;
}

/* What is only for relocation, and a bounded part of the data behind it, which
 * may be large tables that nobody reads. */
static int add_written(const struct elf_scan *scan,
		       const struct elf_scan_segment *load,
		       struct buffer *facts)
{
	uint64_t start = load->off;
	uint64_t size = load->size;

	if (scan->relro_end > start && scan->relro_end < start + size)
		start = scan->relro_end;
	if (start + ELF_SCAN_DATA_SIZE_MAX < load->off + size)
		size = start + ELF_SCAN_DATA_SIZE_MAX - load->off;
	return add_extent(load->off, size, facts);
}

/* The code, of whatever number of segments; false when there is none. */
static bool find_code(const struct elf_scan *scan, uint64_t *ret_off,
		      uint64_t *ret_end)
{
	bool is_found = false;

	for (size_t i = 0; i < scan->load_count; i++) {
		const struct elf_scan_segment *load = &scan->loads[i];

		if (!load->is_code)
			continue;
		if (!is_found)
			*ret_off = load->off;
		*ret_end = load->off + load->size;
		is_found = true;
	}
	return is_found && *ret_end > *ret_off;
}

static uint64_t count_relocations(const struct elf_scan *scan)
{
	/* a word of DT_RELR is an address, or a map of 63 */
	return elf_scan_dynamic_value(scan, DT_RELASZ) / sizeof(Elf64_Rela) +
	       elf_scan_dynamic_value(scan, DT_RELRSZ);
}

/* A collection of functions that are called by their names: Fortran, C. */
static bool is_loose(const struct elf_scan *scan, uint64_t code_size)
{
	return code_size >= ELF_SCAN_LOOSE_CODE_SIZE &&
	       count_relocations(scan) <
		       code_size / MIB * ELF_SCAN_LOOSE_RELOCATIONS;
}

/* Both ends of the code, where what runs at a start is put, and all around. */
static int add_ends(const struct elf_scan *scan, uint64_t code_off,
		    uint64_t code_end, struct buffer *facts)
{
	const struct elf_scan_segment *last =
		&scan->loads[scan->load_count - 1];
	uint64_t from = code_end - ELF_SCAN_LOOSE_END_SIZE;
	uint64_t end = last->off + last->size;
	int r = add_extent(0, code_off + ELF_SCAN_LOOSE_END_SIZE, facts);

	return r < 0 ? r
		     : add_extent(from,
				  end > code_end ? end - from : code_end - from,
				  facts);
}

int elf_extents_add(const struct elf_scan *scan, struct buffer *facts)
{
	uint64_t code_off = 0;
	uint64_t code_end = 0;
	int r;

	if (scan->interpreter_size > 0 &&
	    scan->file_size <= ELF_SCAN_PROGRAM_SIZE)
		return add_extent(0, scan->file_size, facts);
	if (scan->file_size <= ELF_SCAN_WHOLE_SIZE)
		return find_code(scan, &code_off, &code_end) &&
				       is_loose(scan, code_end - code_off)
			       ? add_ends(scan, code_off, code_end, facts)
			       : 0;
	r = add_extent(0, tables_end(scan), facts);
	for (size_t i = 0; i < scan->load_count && r == 0; i++)
		if (scan->loads[i].is_written && scan->loads[i].size)
			r = add_written(scan, &scan->loads[i], facts);
	return r;
}
