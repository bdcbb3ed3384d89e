/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every extent of a file is a piece; pieces are sorted by their places, so
 * that those of a chunk are the next ones when it comes.  An extent lies in
 * one block (squashfs_lister.c), hence a piece in one chunk.
 */
#include "index/squashfs_facts.h"

#include "common/buffer.h"
#include "index/entry_list.h"
#include "index/hint_scan.h"
#include "index/squashfs_lister.h"
#include "index/tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct piece {
	uint64_t raw_off;
	const struct tree_entry *entry;
	uint32_t number; /* of the entry */
	uint32_t extent;
};

/* A file that is under way. */
struct open_file {
	struct hint_scan *scan;
	const struct tree_entry *entry; /* NULL: none */
};

struct found {
	uint32_t off; /* in bytes */
	uint32_t size;
};

struct squashfs_facts {
	struct piece *pieces; /* by raw_off */
	size_t piece_count;
	size_t next;	  /* piece */
	uint64_t raw_off; /* of the next chunk */
	struct open_file whole;
	struct open_file open[SQUASHFS_FACTS_OPEN_MAX];
	unsigned next_open;  /* in turn */
	struct found *found; /* by the entry's number */
	uint64_t entry_count;
	struct buffer bytes;
};

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a;
	const struct piece *y = b;

	if (x->raw_off != y->raw_off)
		return x->raw_off < y->raw_off ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static int list_pieces(struct squashfs_facts *facts,
		       const struct squashfs_listing *listing)
{
	const struct tree_entry *entry = NULL;
	struct piece *piece;
	uint32_t number = 0;

	while ((entry = entry_list_next(listing->entries, entry)))
		facts->piece_count += entry->extent_count;
	facts->pieces = calloc(facts->piece_count + 1, sizeof(*piece));
	if (!facts->pieces)
		return -ENOMEM;
	piece = facts->pieces;
	while ((entry = entry_list_next(listing->entries, entry))) {
		for (uint32_t i = 0; i < entry->extent_count; i++)
			*piece++ = (struct piece){
				.raw_off = squashfs_listing_place(
					listing, &entry->extents[i]),
				.entry = entry,
				.number = number,
				.extent = i,
			};
		number++;
	}
	qsort(facts->pieces, facts->piece_count, sizeof(*piece),
	      compare_pieces);
	return 0;
}

int squashfs_facts_create(const struct squashfs_listing *listing,
			  struct squashfs_facts **ret)
{
	struct squashfs_facts *facts CLEANUP(squashfs_facts_destroyp) =
		calloc(1, sizeof(*facts));
	int r;

	if (!facts)
		return -ENOMEM;
	facts->bytes = (struct buffer)BUFFER_INIT(SQUASHFS_FACTS_SIZE_MAX);
	facts->entry_count = entry_list_count(listing->entries);
	facts->found = calloc(facts->entry_count + 1, sizeof(*facts->found));
	facts->whole.scan = hint_scan_create();
	if (!facts->found || !facts->whole.scan)
		return -ENOMEM;
	r = list_pieces(facts, listing);
	if (r == 0)
		*ret = STEAL_PTR(facts);
	return r;
}

void squashfs_facts_destroy(struct squashfs_facts *facts)
{
	if (!facts)
		return;
	for (size_t i = 0; i < SQUASHFS_FACTS_OPEN_MAX; i++)
		hint_scan_destroy(facts->open[i].scan);
	hint_scan_destroy(facts->whole.scan);
	buffer_fini(&facts->bytes);
	free(facts->found);
	free(facts->pieces);
	free(facts);
}

/* Where a piece's file is looked at, begun with its first piece; NULL when
 * it is not, or no more. */
static int open_file(struct squashfs_facts *facts, const struct piece *piece,
		     struct open_file **ret)
{
	struct open_file *file = NULL;

	if (piece->extent > 0) {
		for (size_t i = 0; i < SQUASHFS_FACTS_OPEN_MAX; i++)
			if (facts->open[i].entry == piece->entry)
				file = &facts->open[i];
		*ret = file;
		return 0;
	}
	file = &facts->whole;
	if (piece->entry->extent_count > 1)
		file = &facts->open[facts->next_open++ %
				    SQUASHFS_FACTS_OPEN_MAX];
	if (!file->scan)
		file->scan = hint_scan_create();
	if (!file->scan)
		return -ENOMEM;
	file->entry = piece->entry;
	hint_scan_begin(file->scan, piece->entry->path, piece->entry->size);
	*ret = file;
	return 0;
}

static int keep(struct squashfs_facts *facts, const struct hint_scan *scan,
		uint32_t number)
{
	const struct found found = {
		.off = (uint32_t)facts->bytes.size,
		.size = (uint32_t)scan->facts.size,
	};
	int r;

	if (found.size == 0)
		return 0;
	r = buffer_append(&facts->bytes, scan->facts.data, found.size);
	if (r == 0)
		facts->found[number] = found;
	return r == -EFBIG ? 0 : r;
}

static int feed_piece(struct squashfs_facts *facts, const struct piece *piece,
		      const uint8_t *data)
{
	const struct tree_extent *extent =
		&piece->entry->extents[piece->extent];
	struct open_file *file = NULL;
	int r = open_file(facts, piece, &file);

	if (r < 0 || !file)
		return r;
	r = hint_scan_feed(file->scan, extent->file_off, data, extent->size);
	if (r == 0 && piece->extent + 1 == piece->entry->extent_count) {
		file->entry = NULL;
		r = hint_scan_end(file->scan);
		if (r == 0)
			r = keep(facts, file->scan, piece->number);
	} else if (file->scan->kind == HINT_SCAN_NOTHING) {
		file->entry = NULL;
	}
	return r;
}

int squashfs_facts_feed(struct squashfs_facts *facts, const void *raw,
			size_t size)
{
	uint64_t end = facts->raw_off + size;
	int r = 0;

	while (r == 0 && facts->next < facts->piece_count) {
		const struct piece *piece = &facts->pieces[facts->next];
		uint64_t off = piece->raw_off - facts->raw_off;

		if (piece->raw_off >= end)
			break;
		assert(piece->raw_off >= facts->raw_off);
		assert(piece->entry->extents[piece->extent].size <= size - off);
		r = feed_piece(facts, piece, (const uint8_t *)raw + off);
		facts->next++;
	}
	facts->raw_off = end;
	return r;
}

const void *squashfs_facts_find(const struct squashfs_facts *facts,
				uint64_t number, size_t *ret_size)
{
	const struct found *found;

	assert(number < facts->entry_count);
	found = &facts->found[number];
	*ret_size = found->size;
	return found->size ? facts->bytes.data + found->off : NULL;
}
