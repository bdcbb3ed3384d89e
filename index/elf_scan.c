/* SPDX-License-Identifier: Apache-2.0 */
#include "index/elf_scan.h"

#include "common/buffer.h"
#include "common/le.h"
#include "index/elf_extents.h"
#include "index/hint_fact.h"

#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

void elf_scan_begin(struct elf_scan *scan, uint64_t file_size, bool is_module)
{
	scan->is_over = file_size < sizeof(Elf64_Ehdr);
	scan->is_module = is_module && file_size <= ELF_SCAN_WHOLE_SIZE;
	scan->has_head = false;
	scan->file_size = file_size;
	scan->off = 0;
	scan->head_size = 0;
	scan->load_count = 0;
	scan->dynamic_off = 0;
	scan->dynamic_size = 0;
	scan->relro_end = 0;
	scan->interpreter_off = 0;
	scan->interpreter_size = 0;
	scan->end = 0;
	scan->string_count = 0;
	scan->texts_size = 0;
	scan->seam_size = 0;
	scan->seam_end = 0;
}

/* ---- headers ---- */

static void see_program_header(struct elf_scan *scan, const Elf64_Phdr *header)
{
	uint32_t type = le32toh(header->p_type);
	uint32_t flags = le32toh(header->p_flags);
	uint64_t off = le64toh(header->p_offset);
	uint64_t size = le64toh(header->p_filesz);

	if (!le_range_fits(off, size, scan->file_size))
		return;
	if (type == PT_LOAD && scan->load_count < ELF_SCAN_LOAD_COUNT_MAX)
		scan->loads[scan->load_count++] = (struct elf_scan_segment){
			.off = off,
			.size = size,
			.address = le64toh(header->p_vaddr),
			.is_code = flags & PF_X,
			.is_written = flags & PF_W,
		};
	if (type == PT_DYNAMIC) {
		scan->dynamic_off = off;
		scan->dynamic_size = size < ELF_SCAN_DYNAMIC_SIZE
					     ? size
					     : ELF_SCAN_DYNAMIC_SIZE;
	}
	if (type == PT_GNU_RELRO)
		scan->relro_end = off + size;
	if (type == PT_INTERP && le_range_fits(off, size, scan->head_size)) {
		scan->interpreter_off = off;
		scan->interpreter_size = size;
	}
}

/* Names of libraries lie in the first segment, or (patchelf) in one behind the
 * dynamic section, those of modules in any but the code's. */
static bool may_hold_strings(const struct elf_scan *scan, size_t load)
{
	const struct elf_scan_segment *segment = &scan->loads[load];

	return load == 0 ||
	       (!segment->is_code &&
		(scan->is_module || segment->off > scan->dynamic_off));
}

static void read_head(struct elf_scan *scan)
{
	Elf64_Ehdr file;
	Elf64_Phdr header;
	uint64_t off;

	scan->has_head = true;
	memcpy(&file, scan->head, sizeof(file));
	if (memcmp(file.e_ident, ELFMAG, SELFMAG) != 0 ||
	    file.e_ident[EI_CLASS] != ELFCLASS64 ||
	    file.e_ident[EI_DATA] != ELFDATA2LSB ||
	    le16toh(file.e_phentsize) != sizeof(header)) {
		scan->is_over = true;
		return;
	}
	off = le64toh(file.e_phoff);
	for (unsigned i = 0; i < le16toh(file.e_phnum); i++) {
		if (!le_range_fits(off, sizeof(header), scan->head_size))
			break;
		memcpy(&header, scan->head + off, sizeof(header));
		see_program_header(scan, &header);
		off += sizeof(header);
	}
	if (scan->dynamic_size == 0 || scan->load_count == 0) {
		scan->is_over = true;
		return;
	}
	scan->end = scan->dynamic_off + scan->dynamic_size;
	for (size_t i = 0; i < scan->load_count; i++) {
		const struct elf_scan_segment *load = &scan->loads[i];

		if (may_hold_strings(scan, i) &&
		    load->off + load->size > scan->end)
			scan->end = load->off + load->size;
	}
}

/* ---- strings ---- */

/* Names of libraries, and lists of folders. */
static const char *const signs[] = { ".so", "ORIGIN", "/lib" };
#define SIGN_COUNT (sizeof(signs) / sizeof(*signs))

static bool is_identifier(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

/* "a.b.c" */
static bool is_dotted_name(const uint8_t *text, size_t size)
{
	bool after_dot = true;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '.' ? after_dot : !is_identifier(text[i]))
			return false;
		after_dot = text[i] == '.';
	}
	return !after_dot;
}

static bool is_of_library(const uint8_t *text, size_t size)
{
	for (size_t i = 0; i < SIGN_COUNT; i++)
		if (memmem(text, size, signs[i], strlen(signs[i])))
			return true;
	return false;
}

static void note_string(struct elf_scan *scan, uint64_t off,
			const uint8_t *text, size_t size)
{
	const struct elf_scan_string *last = NULL;
	bool is_library = is_of_library(text, size);
	bool is_name = !is_library && is_dotted_name(text, size);

	if (!is_library && !(is_name && scan->is_module))
		return;
	if (scan->string_count)
		last = &scan->strings[scan->string_count - 1];
	if ((last && off <= last->off) ||
	    scan->string_count == ELF_SCAN_STRING_COUNT_MAX ||
	    size + 1 > sizeof(scan->texts) - scan->texts_size)
		return;
	scan->strings[scan->string_count++] = (struct elf_scan_string){
		.off = off,
		.text = (uint32_t)scan->texts_size,
		.size = (uint32_t)size,
		.is_name = is_name,
	};
	memcpy(scan->texts + scan->texts_size, text, size);
	scan->texts_size += size;
	scan->texts[scan->texts_size++] = '\0';
}

/* The earliest of what makes a string worth a look. */
static const uint8_t *find_sign(const struct elf_scan *scan, const uint8_t *at,
				const uint8_t *end)
{
	const uint8_t *first = NULL;

	if (scan->is_module)
		return memchr(at, '.', (size_t)(end - at));
	for (size_t i = 0; i < SIGN_COUNT; i++) {
		const uint8_t *limit = first ? first : end;
		const uint8_t *found = memmem(at, (size_t)(limit - at),
					      signs[i], strlen(signs[i]));

		if (found)
			first = found;
	}
	return first;
}

/* @off: of @data in the file.  Strings that the bytes cut are left out. */
static void find_strings(struct elf_scan *scan, uint64_t off,
			 const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	const uint8_t *at = data;
	const uint8_t *sign;

	while ((sign = find_sign(scan, at, end))) {
		const uint8_t *before = memrchr(at, 0, (size_t)(sign - at));
		const uint8_t *start = before ? before + 1 : at;
		const uint8_t *stop = memchr(sign, 0, (size_t)(end - sign));

		if (!stop)
			return;
		if ((before || at != data || off == 0) &&
		    stop - start <= ELF_SCAN_STRING_SIZE_MAX / 2)
			note_string(scan, off + (uint64_t)(start - data), start,
				    (size_t)(stop - start));
		at = stop;
	}
}

/* Strings that lie across a seam between portions are found in a copy of what
 * is on either side.  @off: of @data in the file. */
static void scan_strings(struct elf_scan *scan, uint64_t off,
			 const uint8_t *data, size_t size)
{
	const size_t half = ELF_SCAN_STRING_SIZE_MAX;
	size_t ahead = size < half ? size : half;
	size_t keep;

	if (scan->seam_end != off)
		scan->seam_size = 0;
	assert(scan->seam_size <= half);
	memcpy(scan->seam + scan->seam_size, data, ahead);
	find_strings(scan, off - scan->seam_size, scan->seam,
		     scan->seam_size + ahead);
	scan->seam_end = off + size;
	if (size > half) {
		find_strings(scan, off, data, size);
		memcpy(scan->seam, data + size - half, half);
		scan->seam_size = half;
		return;
	}
	keep = scan->seam_size + ahead;
	if (keep > half) {
		memmove(scan->seam, scan->seam + keep - half, half);
		keep = half;
	}
	scan->seam_size = keep;
}

/* Bytes of one portion that lie in [off, off + size) */
static bool overlap(const struct elf_scan *scan, size_t portion, uint64_t off,
		    uint64_t size, size_t *ret_skip, size_t *ret_size)
{
	uint64_t start = off > scan->off ? off : scan->off;
	uint64_t end = off + size;

	if (end > scan->off + portion)
		end = scan->off + portion;
	if (start >= end)
		return false;
	*ret_skip = (size_t)(start - scan->off);
	*ret_size = (size_t)(end - start);
	return true;
}

static void feed_strings(struct elf_scan *scan, const uint8_t *data,
			 size_t size)
{
	for (size_t i = 0; i < scan->load_count; i++) {
		const struct elf_scan_segment *load = &scan->loads[i];
		uint64_t max = load->size < ELF_SCAN_SEGMENT_SIZE_MAX
				       ? load->size
				       : ELF_SCAN_SEGMENT_SIZE_MAX;
		size_t skip;
		size_t part;

		if (may_hold_strings(scan, i) &&
		    overlap(scan, size, load->off, max, &skip, &part))
			scan_strings(scan, scan->off + skip, data + skip, part);
	}
}

static void feed_body(struct elf_scan *scan, const uint8_t *data, size_t size)
{
	size_t skip;
	size_t part;

	if (overlap(scan, size, scan->dynamic_off, scan->dynamic_size, &skip,
		    &part))
		memcpy(scan->dynamic + (scan->off + skip - scan->dynamic_off),
		       data + skip, part);
	feed_strings(scan, data, size);
	scan->off += size;
	if (scan->off >= scan->end)
		scan->is_over = true;
}

void elf_scan_feed(struct elf_scan *scan, const uint8_t *data, size_t size)
{
	size_t want;

	if (scan->is_over || size == 0)
		return;
	if (scan->has_head) {
		feed_body(scan, data, size);
		return;
	}
	want = sizeof(scan->head) - scan->head_size;
	if (want > size)
		want = size;
	memcpy(scan->head + scan->head_size, data, want);
	scan->head_size += want;
	if (scan->head_size < sizeof(scan->head) &&
	    scan->head_size < scan->file_size)
		return;
	read_head(scan);
	if (!scan->is_over)
		feed_body(scan, scan->head, scan->head_size);
	if (!scan->is_over && want < size)
		feed_body(scan, data + want, size - want);
}

/* ---- the end ---- */

bool elf_scan_find_place(const struct elf_scan *scan, uint64_t address,
			 uint64_t *ret_off)
{
	for (size_t i = 0; i < scan->load_count; i++) {
		const struct elf_scan_segment *load = &scan->loads[i];

		if (address >= load->address &&
		    address - load->address < load->size) {
			*ret_off = load->off + (address - load->address);
			return true;
		}
	}
	return false;
}

uint64_t elf_scan_dynamic_value(const struct elf_scan *scan, int64_t tag)
{
	Elf64_Dyn entry;

	for (size_t off = 0; off + sizeof(entry) <= scan->dynamic_size;
	     off += sizeof(entry)) {
		memcpy(&entry, scan->dynamic + off, sizeof(entry));
		if ((int64_t)le64toh((uint64_t)entry.d_tag) == tag)
			return le64toh(entry.d_un.d_val);
		if (entry.d_tag == DT_NULL)
			break;
	}
	return 0;
}

static int add_string(const struct elf_scan *scan, uint64_t off,
		      enum hint_fact_kind kind, struct buffer *facts)
{
	for (size_t i = 0; i < scan->string_count; i++) {
		const struct elf_scan_string *string = &scan->strings[i];
		uint64_t skip = off - string->off;

		if (off < string->off || skip >= string->size)
			continue;
		return hint_fact_add(facts, kind,
				     scan->texts + string->text + skip,
				     string->size - (size_t)skip);
	}
	return 0;
}

static int add_names(const struct elf_scan *scan, struct buffer *facts)
{
	static const struct {
		int64_t tag;
		enum hint_fact_kind kind;
	} tags[] = {
		{ DT_RPATH, HINT_FACT_RPATH },
		{ DT_RUNPATH, HINT_FACT_RUNPATH },
		{ DT_NEEDED, HINT_FACT_NEEDED },
	};
	uint64_t strings;
	int r = 0;

	if (!elf_scan_find_place(scan, elf_scan_dynamic_value(scan, DT_STRTAB),
				 &strings))
		return 0;
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		Elf64_Dyn entry;

		for (size_t off = 0;
		     off + sizeof(entry) <= scan->dynamic_size && r == 0;
		     off += sizeof(entry)) {
			memcpy(&entry, scan->dynamic + off, sizeof(entry));
			if (entry.d_tag == DT_NULL)
				break;
			if ((int64_t)le64toh((uint64_t)entry.d_tag) ==
			    tags[i].tag)
				r = add_string(
					scan,
					strings + le64toh(entry.d_un.d_val),
					tags[i].kind, facts);
		}
	}
	return r;
}

static int add_mentions(const struct elf_scan *scan, struct buffer *facts)
{
	int r = 0;

	for (size_t i = 0; i < scan->string_count && r == 0; i++)
		if (scan->strings[i].is_name)
			r = hint_fact_add(facts, HINT_FACT_MENTION,
					  scan->texts + scan->strings[i].text,
					  scan->strings[i].size);
	return r;
}

int elf_scan_end(struct elf_scan *scan, struct buffer *facts)
{
	int r = 0;

	if (!scan->has_head ||
	    scan->off < scan->dynamic_off + scan->dynamic_size)
		return 0; /* no such file, or static, or damaged */
	if (scan->interpreter_size > 1)
		r = hint_fact_add(facts, HINT_FACT_INTERPRETER,
				  scan->head + scan->interpreter_off,
				  strnlen((const char *)scan->head +
						  scan->interpreter_off,
					  scan->interpreter_size));
	if (r == 0)
		r = elf_extents_add(scan, facts);
	if (r == 0)
		r = add_names(scan, facts);
	if (r == 0)
		r = add_mentions(scan, facts);
	return r == -EFBIG ? 0 : r;
}
