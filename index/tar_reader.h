/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tar_reader: archive entries with the place of each file's bytes.
 *
 * libarchive parses (ustar, PAX, GNU long names, every sparse form); this
 * adds where in the uncompressed stream each run of data lies, and hands the
 * entry on as a struct tree_entry.
 *
 * Threads: one at a time; blocks as long as the stream does.
 */
#include <stdint.h>

struct byte_stream;
struct error;
struct tree_entry;

/* Called for each entry, in archive order; @entry is borrowed.  Negative
 * errno (with @err set) ends the reading. */
typedef int tar_reader_entry_fn(void *arg, const struct tree_entry *entry,
				struct error *err);

/**
 * tar_reader_read() - read a whole uncompressed tar stream
 * @stream: borrowed; read to its end, past the archive's end marker
 *
 * Return: 0, -EBADMSG (not a tar archive, damaged, truncated), -EFBIG (a
 * name, link or xattr past what Linux allows), -ENOMEM, what @stream or
 * @entry_fn returned.
 */
int tar_reader_read(struct byte_stream *stream, tar_reader_entry_fn *entry_fn,
		    void *arg, struct error *err);
