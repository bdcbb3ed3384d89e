/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/elf_maker.h"

#include <assert.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum {
	UNIT_SIZE = 1024, /* that segments are rounded to */
	INTERPRETER_OFF = 0x200,
	STRINGS_OFF = 0x300,
	BASE = 0x10000, /* addresses are offsets and this */
	DYNAMIC_COUNT_MAX = 16,
	DATA_SIZE = 512,
};

struct maker {
	uint8_t *file;
	size_t strings_size;
	Elf64_Dyn dynamic[DYNAMIC_COUNT_MAX];
	size_t dynamic_count;
};

static void add(struct maker *maker, int64_t tag, uint64_t value)
{
	assert(maker->dynamic_count < DYNAMIC_COUNT_MAX);
	maker->dynamic[maker->dynamic_count].d_tag = tag;
	maker->dynamic[maker->dynamic_count++].d_un.d_val = value;
}

static void add_string(struct maker *maker, int64_t tag, const char *text)
{
	if (!text)
		return;
	memcpy(maker->file + STRINGS_OFF + maker->strings_size, text,
	       strlen(text) + 1);
	add(maker, tag, maker->strings_size);
	maker->strings_size += strlen(text) + 1;
}

static void set_program_header(Elf64_Phdr *header, uint32_t type,
			       uint32_t flags, uint64_t off, uint64_t size)
{
	header->p_type = type;
	header->p_flags = flags;
	header->p_offset = off;
	header->p_vaddr = BASE + off;
	header->p_filesz = size;
	header->p_memsz = size;
}

uint8_t *elf_maker_make(const struct elf_maker_options *options,
			size_t *ret_size)
{
	size_t first_size =
		(STRINGS_OFF + options->strings_before + UNIT_SIZE) /
		UNIT_SIZE * UNIT_SIZE;
	size_t data_off = first_size + options->code_size;
	size_t size = data_off + DATA_SIZE;
	struct maker maker = { .file = calloc(1, size), .strings_size = 1 };
	Elf64_Ehdr *file = (void *)maker.file;
	Elf64_Phdr *headers = (void *)(maker.file + sizeof(*file));

	assert(maker.file);
	memcpy(file->e_ident, ELFMAG, SELFMAG);
	file->e_ident[EI_CLASS] = ELFCLASS64;
	file->e_ident[EI_DATA] = ELFDATA2LSB;
	file->e_phoff = sizeof(*file);
	file->e_phentsize = sizeof(*headers);
	file->e_phnum = 5;
	for (size_t i = 0; i + 8 < options->strings_before; i += 8)
		memcpy(maker.file + STRINGS_OFF + 1 + i, "_ZN4abc", 8);
	maker.strings_size += options->strings_before / 8 * 8;
	for (size_t i = 0; i < ELF_MAKER_NEEDED_MAX; i++)
		add_string(&maker, DT_NEEDED, options->needed[i]);
	add_string(&maker, DT_RPATH, options->rpath);
	add_string(&maker, DT_RUNPATH, options->runpath);
	add(&maker, DT_STRTAB, BASE + STRINGS_OFF);
	add(&maker, DT_STRSZ, maker.strings_size);
	add(&maker, DT_NULL, 0);
	assert(STRINGS_OFF + maker.strings_size <= first_size);
	memcpy(maker.file + data_off, maker.dynamic,
	       maker.dynamic_count * sizeof(*maker.dynamic));
	for (size_t i = 0, off = data_off + DATA_SIZE / 2;
	     i < ELF_MAKER_NEEDED_MAX && options->constants[i]; i++) {
		memcpy(maker.file + off, options->constants[i],
		       strlen(options->constants[i]) + 1);
		off += strlen(options->constants[i]) + 1;
	}
	set_program_header(&headers[0], PT_LOAD, PF_R, 0, first_size);
	set_program_header(&headers[1], PT_LOAD, PF_R | PF_X, first_size,
			   options->code_size);
	set_program_header(&headers[2], PT_LOAD, PF_R | PF_W, data_off,
			   DATA_SIZE);
	set_program_header(&headers[3], PT_DYNAMIC, PF_R | PF_W, data_off,
			   maker.dynamic_count * sizeof(*maker.dynamic));
	if (options->interpreter) {
		memcpy(maker.file + INTERPRETER_OFF, options->interpreter,
		       strlen(options->interpreter) + 1);
		set_program_header(&headers[4], PT_INTERP, PF_R,
				   INTERPRETER_OFF,
				   strlen(options->interpreter) + 1);
	}
	*ret_size = size;
	return maker.file;
}
