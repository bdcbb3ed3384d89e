/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * index_section: a section's bytes between its two states, raw and packed
 * (docs/index-format.md, section 3.2).
 *
 * Packing turns the section's records into columns of bytes, which compress
 * far better (the directory entries of a Debian image to a third), and
 * compresses that by zstd.  It knows nothing of what the bytes mean.
 *
 * Threads: any; no shared state.
 */
#include <stdint.h>
#include <stddef.h>

struct buffer;
struct index_section;

/**
 * index_section_pack() - compress a section's raw bytes
 * @record_size: at least 1; divides @size
 * @stored:      empty; filled unless the flags are 0
 *
 * Return: 0 with the section's flags in @ret_flags: 0 when the bytes do not
 * get smaller and are to be stored as they are; -EFBIG (@stored's limit),
 * -ENOMEM.
 */
int index_section_pack(const void *raw, size_t size, uint32_t record_size,
		       struct buffer *stored, uint32_t *ret_flags);

/**
 * index_section_unpack() - decompress a section
 * @section: has INDEX_FORMAT_SECTION_ZSTD; checked by index_header_load()
 * @stored:  section->stored_size bytes
 * @ret_raw: on success section->raw_size bytes, for free()
 *
 * Return: 0, -EBADMSG (does not decode to that), -ENOMEM.
 */
int index_section_unpack(const struct index_section *section,
			 const void *stored, uint8_t **ret_raw);
