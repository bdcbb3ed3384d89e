/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hint_scan: looks at files as they go by in a layer, for facts about what is
 * needed with them: ELF files (elf_scan.h), scripts ("#!"), Python sources
 * (python_imports.h), the dynamic loader's configuration.
 *
 * Keeps at most HINT_SCAN_TEXT_SIZE_MAX bytes of a file, and these only of a
 * source that does not come in one portion.
 *
 * Threads: one at a time.
 */
#include "common/buffer.h"
#include "index/elf_scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is larger is generated, and seldom imported at a start. */
enum { HINT_SCAN_TEXT_SIZE_MAX = 1 << 20 };

enum hint_scan_kind {
	HINT_SCAN_UNKNOWN, /* until the first bytes come */
	HINT_SCAN_NOTHING,
	HINT_SCAN_ELF,
	HINT_SCAN_TEXT, /* script, Python source, loader's configuration */
};

struct hint_scan {
	enum hint_scan_kind kind;
	const char *path; /* borrowed from begin to end */
	uint64_t file_size;
	uint64_t off; /* bytes seen */
	struct elf_scan elf;
	struct buffer text;
	struct buffer facts;
};

/** hint_scan_create() - 60 KiB; NULL: no memory */
struct hint_scan *hint_scan_create(void);
void hint_scan_destroy(struct hint_scan *scan);

/** hint_scan_begin() - a regular file
 * @path: as in the archive */
void hint_scan_begin(struct hint_scan *scan, const char *path,
		     uint64_t file_size);

/**
 * hint_scan_feed() - its next bytes
 * @off: where they are in the file; after a hole nothing more is looked at
 *
 * Return: 0 or -ENOMEM.
 */
int hint_scan_feed(struct hint_scan *scan, uint64_t off, const void *data,
		   size_t size);

/**
 * hint_scan_end() - the file's facts (hint_fact.h), in scan->facts
 *
 * Valid until the next begin; empty for most files.  The same bytes in other
 * portions give the same facts.
 *
 * Return: 0 or -ENOMEM.
 */
int hint_scan_end(struct hint_scan *scan);
