/* SPDX-License-Identifier: Apache-2.0 */
#include "image/object_layout.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/le.h"
#include "fetch/range_source.h"
#include "image/range_reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* A SIF's header, its 48 descriptors, its definition file, labels, and
	 * the superblock behind them; two blocks of an XRootD cache. */
	HEAD_SIZE = 256 << 10,
	/* The tables of 30,000 files take about this; signatures behind them
	 * take a few KiB. */
	TAIL_SIZE = 1 << 20,
	TIMEOUT_MS = 60000,
	TIMEOUT_PER_MIB_MS = 1000,
};

/* An object, of which the start and the end are at hand. */
struct view {
	struct range_source *source;
	uint8_t *head; /* owned */
	size_t head_size;
	uint8_t *tail; /* owned; NULL when the head is all there is */
	uint64_t tail_off;
	size_t tail_size;
	unsigned rounds;
};

static void view_fini(struct view *view)
{
	free(view->head);
	free(view->tail);
}

void object_layout_fini(struct object_layout *layout)
{
	free(layout->descriptors);
	free(layout->tables);
	layout->descriptors = NULL;
	layout->tables = NULL;
}

static int fetch(struct view *view, const struct range_reader_range *ranges,
		 size_t count, struct error *err)
{
	int64_t timeout_ms = TIMEOUT_MS;

	for (size_t i = 0; i < count; i++)
		timeout_ms +=
			(int64_t)(ranges[i].size >> 20) * TIMEOUT_PER_MIB_MS;
	view->rounds++;
	return range_reader_fetch(view->source, ranges, count, timeout_ms, err);
}

static int load_ends(struct view *view, bool with_tail, struct error *err)
{
	uint64_t size = view->source->size;
	struct range_reader_range ranges[2];

	view->head_size = size < HEAD_SIZE ? (size_t)size : HEAD_SIZE;
	view->head = malloc(view->head_size + 1);
	if (with_tail && size > HEAD_SIZE) {
		uint64_t rest = size - HEAD_SIZE;

		view->tail_size = rest < TAIL_SIZE ? (size_t)rest : TAIL_SIZE;
		view->tail_off = size - view->tail_size;
		view->tail = malloc(view->tail_size);
	}
	if (!view->head || (view->tail_size && !view->tail))
		return error_set(err, -ENOMEM, "out of memory");
	ranges[0] =
		(struct range_reader_range){ 0, view->head_size, view->head };
	ranges[1] = (struct range_reader_range){ view->tail_off,
						 view->tail_size, view->tail };
	return fetch(view, ranges, view->tail ? 2 : 1, err);
}

/* Bytes of the object; what the tail has of their end is not fetched again. */
static int read_view(struct view *view, uint64_t off, size_t size,
		     uint8_t *ret_data, struct error *err)
{
	struct range_reader_range range = { off, size, ret_data };
	uint64_t end = off + size;

	assert(le_range_fits(off, size, view->source->size));
	if (end <= view->head_size) {
		memcpy(ret_data, view->head + off, size);
		return 0;
	}
	if (view->tail && end > view->tail_off) {
		uint64_t from = off > view->tail_off ? off : view->tail_off;

		memcpy(ret_data + (from - off),
		       view->tail + (from - view->tail_off),
		       (size_t)(end - from));
		range.size = (size_t)(from - off);
	}
	return range.size ? fetch(view, &range, 1, err) : 0;
}

static int load_descriptors(struct view *view, const char *architecture,
			    struct object_layout *layout, struct error *err)
{
	size_t size;
	int r;

	if (view->head_size < SIF_FILE_HEADER_SIZE)
		return error_set(err, -EPROTO,
				 "truncated: the SIF file ends within its "
				 "header; copy it anew");
	r = sif_file_parse_header(view->head, view->source->size, &layout->sif,
				  err);
	if (r < 0)
		return r;
	size = (size_t)layout->sif.descriptor_count * SIF_FILE_DESCRIPTOR_SIZE;
	layout->descriptors = malloc(size + 1);
	if (!layout->descriptors)
		return error_set(err, -ENOMEM, "out of memory");
	if (size > 0)
		r = read_view(view, layout->sif.descriptors_off, size,
			      layout->descriptors, err);
	if (r == 0)
		r = sif_file_choose(&layout->sif, layout->descriptors,
				    view->source->size, architecture,
				    &layout->root, err);
	return r;
}

static int load_super(struct view *view, struct object_layout *layout,
		      uint64_t size_max, struct error *err)
{
	int r;

	if (size_max < SQUASHFS_SUPER_SIZE)
		return error_set(err, -EPROTO,
				 "truncated: the SquashFS file system ends "
				 "within its superblock; copy the file anew");
	r = read_view(view, layout->image_off, SQUASHFS_SUPER_SIZE,
		      layout->head, err);
	return r < 0 ? r
		     : squashfs_super_parse(layout->head, size_max,
					    &layout->super, err);
}

static int load_tables(struct view *view, struct object_layout *layout,
		       struct error *err)
{
	const struct squashfs_super *super = &layout->super;
	size_t size = (size_t)(super->bytes_used - super->inode_table);

	assert(size <= SQUASHFS_SUPER_TABLES_SIZE_MAX);
	layout->tables = malloc(size);
	if (!layout->tables)
		return error_set(err, -ENOMEM, "out of memory");
	return read_view(view, layout->image_off + super->inode_table, size,
			 layout->tables, err);
}

static int load(struct view *view, const char *architecture, bool with_tables,
		struct object_layout *layout, struct error *err)
{
	uint64_t size_max = view->source->size;
	int r = load_ends(view, with_tables, err);

	if (r < 0)
		return r;
	layout->is_sif = sif_file_is_magic(view->head, view->head_size);
	if (layout->is_sif) {
		r = load_descriptors(view, architecture, layout, err);
		if (r < 0)
			return r;
		layout->image_off = layout->root.off;
		size_max = layout->root.size;
	} else if (!squashfs_super_is_magic(view->head, view->head_size)) {
		return error_set(err, -EBADMSG,
				 "it is neither a SIF nor a SquashFS file; "
				 "lazyrun runs those, directories, and "
				 "docker:// and oci: images");
	}
	r = load_super(view, layout, size_max, err);
	if (r == 0 && with_tables)
		r = load_tables(view, layout, err);
	return r;
}

static int load_once(struct range_source *source, const char *name,
		     const char *architecture, bool with_tables,
		     struct object_layout *ret, struct error *err)
{
	struct object_layout layout CLEANUP(object_layout_fini) = { 0 };
	struct view view CLEANUP(view_fini) = { .source = source };
	int r = load(&view, architecture, with_tables, &layout, err);

	if (r < 0)
		return error_prefix(err, r, "%s", name);
	assert(view.rounds <= OBJECT_LAYOUT_ROUNDS_MAX);
	layout.rounds = view.rounds;
	*ret = layout;
	layout.descriptors = NULL;
	layout.tables = NULL;
	return 0;
}

/* A byte of each piece tells who sent it. */
static void doubt_range(struct range_source *source, uint64_t off, uint64_t end)
{
	for (; off < end; off += RANGE_READER_SMALL_PIECE_SIZE)
		range_source_report_bad(source, off, 1);
}

bool object_layout_doubt(struct range_source *source,
			 const struct object_layout *layout, int code)
{
	uint64_t size = source->size;

	if (!source->ops->report_bad || (code != -EBADMSG && code != -EPROTO))
		return false;
	doubt_range(source, 0, 1);
	doubt_range(source, size > TAIL_SIZE ? size - TAIL_SIZE : 0, size);
	/* the tables: what lies behind them, however large, was not read */
	if (layout)
		doubt_range(source,
			    layout->image_off + layout->super.inode_table,
			    layout->image_off + layout->super.bytes_used);
	return true;
}

int object_layout_load(struct range_source *source, const char *name,
		       const char *architecture, bool with_tables,
		       struct object_layout *ret, struct error *err)
{
	struct error last = { 0 };

	for (unsigned tries = 1;; tries++) {
		struct error why = { 0 };
		int r = load_once(source, name, architecture, with_tables, ret,
				  &why);

		if (r == 0)
			return 0;
		/* that nobody else is left says less */
		if (tries == 1 || r != -EIO)
			last = why;
		if (tries == OBJECT_LAYOUT_TRIES_MAX ||
		    !object_layout_doubt(source, NULL, r))
			return error_set(err, last.code, "%s", last.text);
	}
}
