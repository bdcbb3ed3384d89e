/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hint_fact: what a file's own bytes say about the files that are needed with
 * it, before anybody knows where those are: names of libraries, modules, an
 * interpreter.
 *
 * Facts live while an index is being made: hint_scan.h finds them, the merged
 * tree keeps them beside the file, hint_builder.h turns them into hints.  They
 * are one run of bytes, so that they can be copied without being understood.
 *
 * Threads: any; no state.
 */
#include "common/buffer.h"
#include "common/le.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hint_fact_kind {
	/* a Python source; its file's name without ".py" */
	HINT_FACT_MODULE = 1,
	/* module as written, with leading dots; then for each name that is
	 * imported from it a NUL and that name */
	HINT_FACT_IMPORT,
	HINT_FACT_NEEDED,      /* a shared library, DT_NEEDED */
	HINT_FACT_RPATH,       /* DT_RPATH, ':' between directories */
	HINT_FACT_RUNPATH,     /* DT_RUNPATH */
	HINT_FACT_INTERPRETER, /* PT_INTERP, or the first word behind "#!" */
	HINT_FACT_ARGUMENT,    /* the words behind it */
	HINT_FACT_EXTENT,      /* u64 offset, u64 size: what a loader reads */
	HINT_FACT_LOADER_CONF, /* the text of a part of ld.so.conf */
	/* a string of an extension module that looks like a module's name:
	 * what it imports, if that is one */
	HINT_FACT_MENTION,
};

enum {
	/* of one file; a module with thousands of imports loses the last */
	HINT_FACT_SIZE_MAX = 16 << 10,
	HINT_FACT_HEADER_SIZE = 3, /* u8 kind, u16 size */
};

struct hint_fact {
	enum hint_fact_kind kind;
	const uint8_t *data; /* borrowed from the run */
	size_t size;
};

/** hint_fact_add() - one more at the end of a run
 *
 * Return: 0, -EFBIG (over 64 KiB, or @facts' limit), -ENOMEM.
 */
int hint_fact_add(struct buffer *facts, enum hint_fact_kind kind,
		  const void *data, size_t size);

/** hint_fact_next() - the fact at *@off, which then is behind it; false at
 * the end */
bool hint_fact_next(const uint8_t *facts, size_t size, size_t *off,
		    struct hint_fact *ret);
