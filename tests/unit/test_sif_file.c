/* SPDX-License-Identifier: Apache-2.0 */
#include "index/sif_file.h"

#include "common/error.h"
#include "common/le.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TABLE_COUNT = 4 };

static uint8_t header[SIF_FILE_HEADER_SIZE];
static uint8_t table[TABLE_COUNT * SIF_FILE_DESCRIPTOR_SIZE];

static void set_up(void)
{
	memset(header, 0, sizeof(header));
	memset(table, 0, sizeof(table));
	memcpy(header + 32, "SIF_MAGIC", 10);
	memcpy(header + 42, "01", 3);
	memcpy(header + 45, "02", 3);
	le_store64(header + 88, TABLE_COUNT);
	le_store64(header + 96, 4096);
}

static void set_descriptor(unsigned place, uint32_t type, uint32_t fs,
			   uint32_t part, const char *arch)
{
	uint8_t *at = table + place * SIF_FILE_DESCRIPTOR_SIZE;

	le_store32(at, type);
	at[4] = 1;
	le_store32(at + 5, place + 1);
	le_store64(at + 17, 40000);
	le_store64(at + 25, 1000);
	memset(at + 73, 'n', 128); /* a name without a NUL */
	le_store32(at + 201, fs);
	le_store32(at + 205, part);
	memcpy(at + 209, arch, strlen(arch));
}

static int choose(uint64_t size, const char *arch,
		  struct sif_file_descriptor *ret, struct error *err)
{
	struct sif_file_header parsed;
	int r = sif_file_parse_header(header, size, &parsed, err);

	return r < 0 ? r
		     : sif_file_choose(&parsed, table, size, arch, ret, err);
}

static void expect_refusal(int code, uint64_t size, const char *says)
{
	struct sif_file_descriptor chosen;
	struct error err = { 0 };

	cr_expect_eq(choose(size, "amd64", &chosen, &err), code, "%s: %s", says,
		     err.text);
	cr_expect(strstr(err.text, says), "%s: %s", says, err.text);
}

Test(sif_file, takes_the_primary_system_partition, .init = set_up)
{
	struct sif_file_descriptor chosen;

	set_descriptor(0, SIF_FILE_DEFINITION, 0, 0, "");
	set_descriptor(1, SIF_FILE_PARTITION, 1, SIF_FILE_PART_DATA, "02");
	set_descriptor(2, SIF_FILE_PARTITION, 1, SIF_FILE_PART_PRIMARY, "02");
	set_descriptor(3, SIF_FILE_PARTITION, 1, SIF_FILE_PART_SYSTEM, "04");
	cr_assert_eq(choose(50000, "amd64", &chosen, NULL), 0);
	cr_expect_eq(chosen.id, 3);
	cr_expect_eq(chosen.off, 40000);
	cr_expect_eq(strlen(chosen.name), 128);
	cr_expect_str_eq(chosen.arch, "amd64");
	cr_assert_eq(choose(50000, "arm64", &chosen, NULL), 0);
	cr_expect_eq(chosen.id, 4);
}

Test(sif_file, passes_over_what_is_not_in_use, .init = set_up)
{
	struct sif_file_descriptor d;

	set_descriptor(0, SIF_FILE_PARTITION, 1, SIF_FILE_PART_PRIMARY, "02");
	table[4] = 0;
	cr_expect_not(sif_file_parse_descriptor(table, &d));
	expect_refusal(-EPROTO, 50000, "no system partition");
}

Test(sif_file, says_why_it_refuses, .init = set_up)
{
	set_descriptor(0, SIF_FILE_PARTITION, 5, SIF_FILE_PART_PRIMARY, "02");
	expect_refusal(-ENOTSUP, 50000, "encrypted");
	set_descriptor(0, SIF_FILE_PARTITION, 2, SIF_FILE_PART_PRIMARY, "02");
	expect_refusal(-ENOTSUP, 50000, "ext3");
	set_descriptor(0, SIF_FILE_PARTITION, 4, SIF_FILE_PART_PRIMARY, "02");
	expect_refusal(-ENOTSUP, 50000, "no file system");
	set_descriptor(0, SIF_FILE_PARTITION, 1, SIF_FILE_PART_PRIMARY, "11");
	expect_refusal(-ENOTSUP, 50000, "for s390x, this machine is amd64");
	set_descriptor(0, SIF_FILE_PARTITION, 1, SIF_FILE_PART_PRIMARY, "99");
	expect_refusal(-ENOTSUP, 50000, "for unknown");
	set_descriptor(0, SIF_FILE_PARTITION, 1, SIF_FILE_PART_PRIMARY, "02");
	expect_refusal(-EPROTO, 40999, "truncated");
	set_descriptor(1, SIF_FILE_PARTITION, 2, SIF_FILE_PART_OVERLAY, "02");
	expect_refusal(-ENOTSUP, 50000, "sif del 2");
	set_up();
	set_descriptor(0, SIF_FILE_OCI_INDEX, 0, 0, "");
	expect_refusal(-ENOTSUP, 50000, "OCI-SIF");
}

Test(sif_file, refuses_a_place_that_overflows, .init = set_up)
{
	set_descriptor(0, SIF_FILE_PARTITION, 1, SIF_FILE_PART_PRIMARY, "02");
	le_store64(table + 17, UINT64_MAX - 10);
	expect_refusal(-EPROTO, 50000, "truncated");
	le_store64(table + 17, 0);
	le_store64(table + 25, UINT64_MAX);
	expect_refusal(-EPROTO, 50000, "truncated");
}

Test(sif_file, checks_the_header, .init = set_up)
{
	expect_refusal(-EPROTO, 4096 + 100, "ends before its descriptors");
	le_store64(header + 96, UINT64_MAX);
	expect_refusal(-EPROTO, 50000, "ends before its descriptors");
	le_store64(header + 88, UINT64_MAX);
	expect_refusal(-EFBIG, 50000, "at most 4096");
	memcpy(header + 42, "02", 3);
	expect_refusal(-ENOTSUP, 50000, "SIF version \"02\"");
	header[33] = 'X';
	expect_refusal(-EPROTO, 50000, "no SIF file");
	cr_expect_not(sif_file_is_magic(header, sizeof(header)));
	cr_expect_not(sif_file_is_magic(header, 41));
}

Test(sif_file, names_every_type)
{
	cr_expect_str_eq(sif_file_type_name(0x4001), "definition file");
	cr_expect_str_eq(sif_file_type_name(SIF_FILE_SIGNATURE), "signature");
	cr_expect_str_eq(sif_file_type_name(SIF_FILE_OCI_BLOB), "OCI blob");
	cr_expect_str_eq(sif_file_type_name(0x400c), "unknown");
	cr_expect_str_eq(sif_file_type_name(0), "unknown");
}
