/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sif_file: the header and the descriptors of a SIF file, as Apptainer and
 * SingularityCE write them.
 *
 * Format: github.com/apptainer/sif, pkg/sif (version 01): a header of 128
 * bytes, then, where it says, descriptors of 585 bytes each, then what they
 * describe.  All numbers are little-endian.
 *
 * Threads: any; no state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum {
	SIF_FILE_HEADER_SIZE = 128,
	SIF_FILE_DESCRIPTOR_SIZE = 585,
	/* Apptainer makes room for 48; this bounds what is read for them. */
	SIF_FILE_DESCRIPTOR_COUNT_MAX = 4096,
	SIF_FILE_NAME_SIZE = 128 + 1,
	SIF_FILE_ARCH_SIZE = 16,
};

/* Values of the format. */
enum sif_file_type {
	SIF_FILE_DEFINITION = 0x4001,
	SIF_FILE_ENVIRONMENT = 0x4002,
	SIF_FILE_LABELS = 0x4003,
	SIF_FILE_PARTITION = 0x4004,
	SIF_FILE_SIGNATURE = 0x4005,
	SIF_FILE_JSON = 0x4006,
	SIF_FILE_GENERIC = 0x4007,
	SIF_FILE_CRYPTOGRAPHIC = 0x4008,
	SIF_FILE_SBOM = 0x4009,
	SIF_FILE_OCI_INDEX = 0x400a,
	SIF_FILE_OCI_BLOB = 0x400b,
};

enum sif_file_fs {
	SIF_FILE_FS_SQUASHFS = 1,
	SIF_FILE_FS_EXT3 = 2,
	SIF_FILE_FS_ARCHIVE = 3,
	SIF_FILE_FS_RAW = 4,
	SIF_FILE_FS_ENCRYPTED = 5,
};

enum sif_file_part {
	SIF_FILE_PART_SYSTEM = 1,
	SIF_FILE_PART_PRIMARY = 2,
	SIF_FILE_PART_DATA = 3,
	SIF_FILE_PART_OVERLAY = 4,
};

struct sif_file_header {
	char arch[SIF_FILE_ARCH_SIZE]; /* "amd64"; "unknown" */
	uint32_t descriptor_count;     /* places in the table */
	uint64_t descriptors_off;
};

struct sif_file_descriptor {
	uint32_t type; /* enum sif_file_type, or one not known */
	uint32_t id;
	uint32_t linked; /* of a signature: what it is over */
	uint64_t off;	 /* in the file */
	uint64_t size;
	char name[SIF_FILE_NAME_SIZE];
	/* of a partition */
	uint32_t fs;   /* enum sif_file_fs */
	uint32_t part; /* enum sif_file_part */
	char arch[SIF_FILE_ARCH_SIZE];
};

/** sif_file_is_magic() - does a file start so?  42 bytes are needed */
bool sif_file_is_magic(const void *bytes, size_t size);

/**
 * sif_file_parse_header() - read the header
 * @bytes: SIF_FILE_HEADER_SIZE of them
 * @size:  of the file
 *
 * On success the whole table of descriptors lies within the file.
 *
 * Return: 0; -EPROTO (no SIF, truncated, damaged); -ENOTSUP (another version);
 * -EFBIG (more descriptors than SIF_FILE_DESCRIPTOR_COUNT_MAX).
 */
int sif_file_parse_header(const void *bytes, uint64_t size,
			  struct sif_file_header *ret, struct error *err);

/**
 * sif_file_parse_descriptor() - read one descriptor
 * @bytes: SIF_FILE_DESCRIPTOR_SIZE of them
 *
 * Return: true; false when it is not in use.  Its place is not checked.
 */
bool sif_file_parse_descriptor(const void *bytes,
			       struct sif_file_descriptor *ret);

/**
 * sif_file_choose() - the partition that is the image's root
 * @table: the descriptors as they are in the file
 * @size:  of the file
 * @arch:  what to run on, "amd64"
 *
 * The primary system partition if it is for @arch, else a system partition
 * that is.  On success it is SquashFS and lies within the file.
 *
 * Return: 0; -ENOTSUP (another architecture, encrypted, an overlay, another
 * file system, OCI-SIF: @err says which and what to do); -EPROTO (truncated,
 * no partition).
 */
int sif_file_choose(const struct sif_file_header *header, const void *table,
		    uint64_t size, const char *arch,
		    struct sif_file_descriptor *ret, struct error *err);

/** sif_file_type_name() - "partition"; for people */
const char *sif_file_type_name(uint32_t type);
