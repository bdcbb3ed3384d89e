/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * index_output: sections laid one after the other into an index file.
 *
 *	index_output_begin(), index_output_add() for each section in the
 *	format's order, index_output_add_windows() with what follows it,
 *	index_output_finish().
 *
 * The header is written last: a file that was not finished is no index.
 *
 * Threads: one at a time.
 */
#include "index/index_header.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_output {
	int fd;		   /* borrowed */
	uint64_t off;	   /* where the next byte goes */
	uint64_t raw_size; /* of all sections so far but the windows */
	struct index_header header;
};

/**
 * index_output_begin() - start at the beginning of @fd
 * @fd: empty, regular, open for reading and writing; borrowed until finish
 *
 * Return: 0 or the write's negative errno, as do all functions here.
 */
int index_output_begin(struct index_output *output, int fd, bool is_packed,
		       const struct digest *manifest_digest);

/**
 * index_output_add() - one section, packed if the file is
 *
 * Return: 0, -EFBIG (past the format's limits), -ENOMEM, write errors.
 */
int index_output_add(struct index_output *output, uint32_t type,
		     uint32_t record_size, const void *raw, size_t size);

/**
 * index_output_add_windows() - the last section, of @size bytes
 *
 * index_output_write() must follow with these bytes.
 */
int index_output_add_windows(struct index_output *output, uint64_t size);

/** index_output_write() - bytes of the section that was added last */
int index_output_write(struct index_output *output, const void *data,
		       size_t size);

/** index_output_finish() - write the header */
int index_output_finish(struct index_output *output);
