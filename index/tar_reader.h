/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tar_reader: archive entries with the place of each file's bytes.
 *
 * libarchive parses (ustar, PAX, GNU long names, every sparse form); this
 * adds where in the uncompressed stream each run of data lies, and what the
 * data says is needed with it (hint_scan.h), and hands the entry on as a struct
 * tree_entry.
 *
 * Names are the archive's bytes, whatever the locale; owners are the numeric
 * ids.  ACLs kept as text (SCHILY.acl.*) become the kernel's xattrs.  Data
 * that a PAX hard link carries is skipped, as Go's archive/tar (containerd,
 * umoci) does.  GNU multi-volume pieces are refused.
 *
 * Threads: one at a time; blocks as long as @bytes_fn does.
 */
#include <stdint.h>
#include <sys/types.h>

struct error;
struct tree_entry;

enum {
	TAR_READER_PATH_SIZE_MAX = 4095,       /* PATH_MAX less its NUL */
	TAR_READER_EXTENT_COUNT_MAX = 1 << 20, /* data runs of one file */
};

/* Hands out the next bytes of the stream, borrowed until the next call: their
 * count with *@ret pointing to them, 0 at the end, or negative errno with @err
 * set.  Not called again after the end or an error. */
typedef ssize_t tar_reader_bytes_fn(void *arg, const void **ret,
				    struct error *err);

/* Called for each entry, in archive order; @entry is borrowed.  Negative
 * errno (with @err set) ends the reading. */
typedef int tar_reader_entry_fn(void *arg, const struct tree_entry *entry,
				struct error *err);

/**
 * tar_reader_read() - read a whole uncompressed tar stream
 * @bytes_fn: read to its end, past the archive's end marker, on success
 *
 * An empty stream is an archive without entries.
 *
 * Return: 0, -EBADMSG (not a tar archive, damaged, truncated within an entry),
 * -EFBIG (a name, link or xattr past what Linux allows), -ENOMEM, -ELIBACC (no
 * libarchive), what @bytes_fn or @entry_fn returned.
 */
int tar_reader_read(tar_reader_bytes_fn *bytes_fn,
		    tar_reader_entry_fn *entry_fn, void *arg,
		    struct error *err);
