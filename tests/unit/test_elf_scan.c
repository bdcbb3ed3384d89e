/* SPDX-License-Identifier: Apache-2.0 */
#include "index/elf_scan.h"

#include "common/buffer.h"
#include "index/hint_fact.h"
#include "tests/support/elf_maker.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct elf_scan scan_state;
static bool is_module;

/* "NEEDED libx.so.1" a line for each fact, scanned in portions of @portion. */
static char *scan(const uint8_t *file, size_t size, size_t portion)
{
	static const char *const kinds[] = {
		[HINT_FACT_NEEDED] = "NEEDED",
		[HINT_FACT_RPATH] = "RPATH",
		[HINT_FACT_RUNPATH] = "RUNPATH",
		[HINT_FACT_INTERPRETER] = "INTERPRETER",
		[HINT_FACT_MENTION] = "MENTION",
	};
	struct buffer facts = BUFFER_INIT(HINT_FACT_SIZE_MAX);
	struct buffer lines = BUFFER_INIT(1 << 20);
	struct hint_fact fact;
	char line[2048];
	size_t off = 0;

	elf_scan_begin(&scan_state, size, is_module);
	for (size_t at = 0; at < size; at += portion)
		elf_scan_feed(&scan_state, file + at,
			      size - at < portion ? size - at : portion);
	cr_assert_eq(elf_scan_end(&scan_state, &facts), 0);
	while (hint_fact_next(facts.data, facts.size, &off, &fact)) {
		if (fact.kind == HINT_FACT_EXTENT)
			snprintf(line, sizeof(line), "EXTENT %llu %llu\n",
				 (unsigned long long)le_load64(fact.data),
				 (unsigned long long)le_load64(fact.data + 8));
		else
			snprintf(line, sizeof(line), "%s %.*s\n",
				 kinds[fact.kind], (int)fact.size, fact.data);
		buffer_append(&lines, line, strlen(line));
	}
	buffer_append(&lines, "", 1);
	buffer_fini(&facts);
	return (char *)lines.data;
}

static void expect(const struct elf_maker_options *options, const char *wanted)
{
	static const size_t portions[] = { 1,	 3,    64,   511,	  1024,
					   1025, 4095, 4096, SIZE_MAX / 2 };
	size_t size;
	uint8_t *file = elf_maker_make(options, &size);

	for (size_t i = 0; i < sizeof(portions) / sizeof(*portions); i++) {
		char *found = scan(file, size, portions[i]);

		cr_expect_str_eq(found, wanted, "portions of %zu", portions[i]);
		free(found);
	}
	free(file);
}

Test(elf_scan, finds_the_libraries_that_are_needed)
{
	const struct elf_maker_options options = {
		.needed = { "libm.so.6", "libc.so.6" },
		.runpath = "$ORIGIN/../lib:/opt/lib",
	};

	expect(&options, "RUNPATH $ORIGIN/../lib:/opt/lib\n"
			 "NEEDED libm.so.6\nNEEDED libc.so.6\n");
}

Test(elf_scan, finds_names_behind_megabytes_of_others)
{
	const struct elf_maker_options options = {
		.needed = { "libtorch_cpu.so" },
		.rpath = "/opt/lib",
		.strings_before = 300000,
	};

	expect(&options, "RPATH /opt/lib\nNEEDED libtorch_cpu.so\n");
}

Test(elf_scan, takes_a_program_whole_and_names_its_loader)
{
	const struct elf_maker_options options = {
		.needed = { "libc.so.6" },
		.interpreter = "/lib64/ld-linux-x86-64.so.2",
	};
	size_t size;
	char wanted[256];

	free(elf_maker_make(&options, &size));
	snprintf(wanted, sizeof(wanted),
		 "INTERPRETER /lib64/ld-linux-x86-64.so.2\nEXTENT 0 %zu\n"
		 "NEEDED libc.so.6\n",
		 size);
	expect(&options, wanted);
}

Test(elf_scan, tells_the_parts_of_a_large_library)
{
	const struct elf_maker_options options = {
		.needed = { "libc.so.6" },
		.code_size = ELF_SCAN_WHOLE_SIZE,
	};
	size_t size;
	uint8_t *file = elf_maker_make(&options, &size);
	char *found = scan(file, size, 1 << 16);

	/* the tables in front of the code, the data behind it */
	cr_expect(strstr(found, "EXTENT 0 4096\n"), "%s", found);
	cr_expect(strstr(found, "EXTENT 5243904 "), "%s", found);
	free(found);
	free(file);
}

/* It has no relocations: next to nothing of it runs when it is loaded. */
Test(elf_scan, leaves_out_the_middle_of_code_that_data_does_not_point_to)
{
	const struct elf_maker_options options = {
		.needed = { "libc.so.6" },
		.code_size = ELF_SCAN_LOOSE_CODE_SIZE + (1 << 20),
	};
	size_t size;
	uint8_t *file = elf_maker_make(&options, &size);
	char *found = scan(file, size, 1 << 16);
	unsigned long long off[2] = { 0 };
	unsigned long long extent[2] = { 0 };

	cr_assert_eq(sscanf(found, "EXTENT %llu %llu\nEXTENT %llu %llu\n",
			    &off[0], &extent[0], &off[1], &extent[1]),
		     4, "%s", found);
	cr_expect_eq(off[0], 0);
	cr_expect_geq(extent[0], ELF_SCAN_LOOSE_END_SIZE);
	cr_expect_gt(off[1], extent[0] + (2 << 20));
	cr_expect_eq(off[1] + extent[1], size);
	free(found);
	free(file);
}

Test(elf_scan, notes_what_an_extension_module_mentions)
{
	const struct elf_maker_options options = {
		.needed = { "libc.so.6" },
		.constants = { "scipy.linalg.cython_lapack", "no. name", "..",
			       "a.b" },
	};

	is_module = true;
	expect(&options, "NEEDED libc.so.6\n"
			 "MENTION scipy.linalg.cython_lapack\nMENTION a.b\n");
	is_module = false;
	expect(&options, "NEEDED libc.so.6\n");
}

Test(elf_scan, finds_nothing_in_other_files)
{
	static const char text[] = "\177ELF but not really, and too short";
	uint8_t zeros[5000] = { 0 };
	char *found = scan((const uint8_t *)text, sizeof(text), 7);

	cr_expect_str_eq(found, "");
	free(found);
	found = scan(zeros, sizeof(zeros), 999);
	cr_expect_str_eq(found, "");
	free(found);
}

/* Wrong numbers anywhere are survived; ASan sees to that. */
Test(elf_scan, survives_any_byte)
{
	const struct elf_maker_options options = {
		.needed = { "libm.so.6", "libc.so.6" },
		.runpath = "$ORIGIN",
	};
	size_t size;
	uint8_t *file = elf_maker_make(&options, &size);

	for (size_t i = 0; i < size; i++) {
		static const uint8_t flips[] = { 0x01, 0x80, 0xff };

		for (size_t f = 0; f < sizeof(flips); f++) {
			file[i] ^= flips[f];
			free(scan(file, size, 4096));
			file[i] ^= flips[f];
		}
	}
	free(file);
}
