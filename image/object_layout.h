/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_layout: what an object is made of: a SIF or a bare SquashFS image,
 * where the image lies in it, and the image's tables.
 *
 * Few requests one after another, whatever the object: its start and its end
 * at once (the tables are nearly always there), the descriptors when they are
 * elsewhere, the superblock when it is elsewhere, then what is missing of the
 * tables, in large pieces, at once.  At most OBJECT_LAYOUT_ROUNDS_MAX.
 *
 * A cache may send anything in the place of bytes that its origin owes it: what
 * makes no sense is read again, of another server.
 *
 * Threads: one at a time; waits for the network.
 */
#include "index/sif_file.h"
#include "index/squashfs_super.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct range_source;

enum {
	OBJECT_LAYOUT_ROUNDS_MAX = 4,
	/* two caches, then the origin: fetch/object.h */
	OBJECT_LAYOUT_TRIES_MAX = 3,
};

struct object_layout {
	bool is_sif;
	struct sif_file_header sif;
	uint8_t *descriptors; /* of a SIF: its table as it is; owned */
	struct sif_file_descriptor root;
	uint64_t image_off; /* of the SquashFS image in the object */
	struct squashfs_super super;
	uint8_t head[SQUASHFS_SUPER_SIZE]; /* what super was parsed from */
	uint8_t *tables; /* super.inode_table to super.bytes_used; owned; NULL
			    unless asked for */
	unsigned rounds; /* requests one after another that it took */
};

/**
 * object_layout_load() - look into an object
 * @name:         of the object, for sentences
 * @architecture: "amd64": which root of a SIF
 * @with_tables:  false: only what `inspect` shows
 *
 * Return: 0; -EBADMSG (neither SIF nor SquashFS), -ENOTSUP (what
 * sif_file_choose() and squashfs_super_parse() refuse), -EPROTO, -EFBIG,
 * -ENOMEM, what the source said.
 */
int object_layout_load(struct range_source *source, const char *name,
		       const char *architecture, bool with_tables,
		       struct object_layout *ret, struct error *err);
void object_layout_fini(struct object_layout *layout);

/**
 * object_layout_doubt() - what was read of an object makes no sense: whoever
 * sent it had better not be asked again (range_source_report_bad())
 * @layout: what object_layout_load() gave; NULL: it failed
 * @code:   what it was refused with
 *
 * Return: whether it may be read again, of somebody else: false for a file,
 * and when it was not the bytes that were refused (not -EBADMSG, -EPROTO).
 */
bool object_layout_doubt(struct range_source *source,
			 const struct object_layout *layout, int code);
