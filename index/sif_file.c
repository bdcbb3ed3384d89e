/* SPDX-License-Identifier: Apache-2.0 */
#include "index/sif_file.h"

#include "common/error.h"
#include "common/le.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	MAGIC = 32,
	VERSION = 42,
	ARCH = 45,
	DESCRIPTORS_TOTAL = 88,
	DESCRIPTORS_OFF = 96,
};

enum {
	TYPE = 0,
	USED = 4,
	ID = 5,
	LINKED = 13,
	OFF = 17,
	SIZE = 25,
	NAME = 73,
	EXTRA = 201,
	PARTITION_FS = EXTRA,
	PARTITION_PART = EXTRA + 4,
	PARTITION_ARCH = EXTRA + 8,
};

static const char magic[10] = "SIF_MAGIC";

bool sif_file_is_magic(const void *bytes, size_t size)
{
	return size >= MAGIC + sizeof(magic) &&
	       memcmp((const char *)bytes + MAGIC, magic, sizeof(magic)) == 0;
}

/* Two digits and a NUL. */
static void parse_arch(const uint8_t *code, char ret[SIF_FILE_ARCH_SIZE])
{
	static const char *const names[] = {
		"unknown",  "386",     "amd64",	  "arm",    "arm64",
		"ppc64",    "ppc64le", "mips",	  "mipsle", "mips64",
		"mips64le", "s390x",   "riscv64",
	};
	unsigned number = 0;

	if (code[0] >= '0' && code[0] <= '9' && code[1] >= '0' &&
	    code[1] <= '9')
		number = (unsigned)(code[0] - '0') * 10 + (code[1] - '0');
	if (number >= sizeof(names) / sizeof(names[0]))
		number = 0;
	snprintf(ret, SIF_FILE_ARCH_SIZE, "%s", names[number]);
}

int sif_file_parse_header(const void *bytes, uint64_t size,
			  struct sif_file_header *ret, struct error *err)
{
	const uint8_t *at = bytes;
	uint64_t total = le_load64(at + DESCRIPTORS_TOTAL);
	struct sif_file_header header = {
		.descriptors_off = le_load64(at + DESCRIPTORS_OFF),
	};

	if (!sif_file_is_magic(bytes, SIF_FILE_HEADER_SIZE))
		return error_set(err, -EPROTO,
				 "this is no SIF file; give the path of a SIF "
				 "or SquashFS file");
	if (memcmp(at + VERSION, "01", 3) != 0)
		return error_set(
			err, -ENOTSUP,
			"SIF version \"%.2s\" is not known, only 01 is; "
			"build it anew with `apptainer build`",
			(const char *)at + VERSION);
	if (total > SIF_FILE_DESCRIPTOR_COUNT_MAX)
		return error_set(err, -EFBIG,
				 "the SIF file has room for %llu descriptors; "
				 "at most %d are supported: build it anew with "
				 "`apptainer build`",
				 (unsigned long long)total,
				 SIF_FILE_DESCRIPTOR_COUNT_MAX);
	if (!le_range_fits(header.descriptors_off,
			   total * SIF_FILE_DESCRIPTOR_SIZE, size))
		return error_set(err, -EPROTO,
				 "truncated: the SIF file ends before its "
				 "descriptors do; copy it anew");
	header.descriptor_count = (uint32_t)total;
	parse_arch(at + ARCH, header.arch);
	*ret = header;
	return 0;
}

bool sif_file_parse_descriptor(const void *bytes,
			       struct sif_file_descriptor *ret)
{
	const uint8_t *at = bytes;

	if (!at[USED])
		return false;
	*ret = (struct sif_file_descriptor){
		.type = le_load32(at + TYPE),
		.id = le_load32(at + ID),
		.linked = le_load32(at + LINKED),
		.off = le_load64(at + OFF),
		.size = le_load64(at + SIZE),
	};
	memcpy(ret->name, at + NAME, SIF_FILE_NAME_SIZE - 1);
	if (ret->type == SIF_FILE_PARTITION) {
		ret->fs = le_load32(at + PARTITION_FS);
		ret->part = le_load32(at + PARTITION_PART);
		parse_arch(at + PARTITION_ARCH, ret->arch);
	}
	return true;
}

const char *sif_file_type_name(uint32_t type)
{
	static const char *const names[] = {
		"definition file",
		"environment",
		"labels",
		"partition",
		"signature",
		"JSON",
		"data",
		"cryptographic message",
		"SBOM",
		"OCI index",
		"OCI blob",
	};

	if (type < SIF_FILE_DEFINITION || type > SIF_FILE_OCI_BLOB)
		return "unknown";
	return names[type - SIF_FILE_DEFINITION];
}

/* What is in the table beside the partition to take. */
struct survey {
	struct sif_file_descriptor primary;
	struct sif_file_descriptor other; /* a system partition for the arch */
	bool has_primary;
	bool has_other;
	bool has_overlay;
	bool has_oci;
	uint32_t overlay_id;
};

static void survey(const struct sif_file_header *header, const void *table,
		   const char *arch, struct survey *ret)
{
	for (uint32_t i = 0; i < header->descriptor_count; i++) {
		struct sif_file_descriptor d;

		if (!sif_file_parse_descriptor(
			    (const uint8_t *)table +
				    (size_t)i * SIF_FILE_DESCRIPTOR_SIZE,
			    &d))
			continue;
		if (d.type == SIF_FILE_OCI_INDEX)
			ret->has_oci = true;
		if (d.type != SIF_FILE_PARTITION)
			continue;
		if (d.part == SIF_FILE_PART_PRIMARY && !ret->has_primary) {
			ret->primary = d;
			ret->has_primary = true;
		} else if (d.part == SIF_FILE_PART_SYSTEM && !ret->has_other &&
			   strcmp(d.arch, arch) == 0) {
			ret->other = d;
			ret->has_other = true;
		} else if (d.part == SIF_FILE_PART_OVERLAY) {
			ret->overlay_id = d.id;
			ret->has_overlay = true;
		}
	}
}

static int check_partition(const struct sif_file_descriptor *d, uint64_t size,
			   struct error *err)
{
	if (d->fs == SIF_FILE_FS_ENCRYPTED)
		return error_set(
			err, -ENOTSUP,
			"the root of this SIF is encrypted, which "
			"cannot be read lazily; run it with apptainer, "
			"or build it without --encrypt");
	if (d->fs != SIF_FILE_FS_SQUASHFS)
		return error_set(err, -ENOTSUP,
				 "the root of this SIF is %s, not SquashFS; "
				 "build it anew with `apptainer build`",
				 d->fs == SIF_FILE_FS_EXT3 ? "an ext3 image"
							   : "no file system");
	if (!le_range_fits(d->off, d->size, size))
		return error_set(
			err, -EPROTO,
			"truncated: the SIF's root has %llu bytes from "
			"%llu on, the file ends at %llu; copy it anew",
			(unsigned long long)d->size, (unsigned long long)d->off,
			(unsigned long long)size);
	return 0;
}

static int refuse(const struct survey *found, const char *arch,
		  struct error *err)
{
	if (found->has_primary)
		return error_set(err, -ENOTSUP,
				 "this SIF is for %s, this machine is %s; use "
				 "an image for %s, or say --platform",
				 found->primary.arch, arch, arch);
	if (found->has_oci)
		return error_set(err, -ENOTSUP,
				 "this is an OCI-SIF, which cannot be read; "
				 "build it as a plain SIF with `apptainer "
				 "build`");
	return error_set(err, -EPROTO,
			 "this SIF has no system partition, and so nothing to "
			 "run in it; check that it is the right file, or build "
			 "it anew with `apptainer build`");
}

int sif_file_choose(const struct sif_file_header *header, const void *table,
		    uint64_t size, const char *arch,
		    struct sif_file_descriptor *ret, struct error *err)
{
	struct survey found = { 0 };
	const struct sif_file_descriptor *chosen = NULL;
	int r;

	survey(header, table, arch, &found);
	if (found.has_primary && strcmp(found.primary.arch, arch) == 0)
		chosen = &found.primary;
	else if (found.has_other)
		chosen = &found.other;
	if (!chosen)
		return refuse(&found, arch, err);
	if (found.has_overlay)
		return error_set(
			err, -ENOTSUP,
			"this SIF has an overlay (descriptor %u), which "
			"changes what is in the image and cannot be "
			"read; take it out with `apptainer sif del %u "
			"FILE`",
			found.overlay_id, found.overlay_id);
	r = check_partition(chosen, size, err);
	if (r == 0)
		*ret = *chosen;
	return r;
}
