/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_indexer.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "index/entry_list.h"
#include "index/index_writer.h"
#include "index/squashfs_facts.h"
#include "index/squashfs_lister.h"
#include "index/tree.h"

#include <errno.h>
#include <stdlib.h>

enum { EXTENTS_SIZE_MAX = 1 << 30 };

struct indexer {
	const struct squashfs_indexer_object *object;
	const struct squashfs_indexer_options *options;
	struct squashfs_listing listing;
	struct tree *tree;
	struct buffer extents; /* of the entry at hand, with their places */
	struct index_writer_chunk *chunks;
	struct index_writer_blob blob;
	struct squashfs_facts *facts; /* NULL: there are to be no hints */
	int facts_result;
};

static void indexer_fini(struct indexer *indexer)
{
	squashfs_facts_destroy(indexer->facts);
	free(indexer->chunks);
	buffer_fini(&indexer->extents);
	tree_destroy(indexer->tree);
	squashfs_listing_fini(&indexer->listing);
}

/* Gives an entry's extents the places that their blocks have by now. */
static int place_extents(struct indexer *indexer, struct tree_entry *entry)
{
	indexer->extents.size = 0;
	for (size_t i = 0; i < entry->extent_count; i++) {
		struct tree_extent extent = entry->extents[i];
		int r;

		extent.raw_off =
			squashfs_listing_place(&indexer->listing, &extent);
		r = buffer_append(&indexer->extents, &extent, sizeof(extent));
		if (r < 0)
			return r;
	}
	entry->extents = (const void *)indexer->extents.data;
	return 0;
}

static int make_tree(struct indexer *indexer, struct error *err)
{
	const struct tree_entry *entry = NULL;
	uint64_t number = 0;

	indexer->tree = tree_create();
	if (!indexer->tree)
		return error_set(err, -ENOMEM, "out of memory");
	tree_begin_plain(indexer->tree, 0);
	while ((entry = entry_list_next(indexer->listing.entries, entry))) {
		struct tree_entry placed = *entry;
		int r = place_extents(indexer, &placed);

		if (r < 0)
			return error_set_errno(err, r, "cannot place a file");
		if (indexer->facts)
			placed.facts = squashfs_facts_find(
				indexer->facts, number, &placed.facts_size);
		number++;
		r = tree_add(indexer->tree, &placed, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void take_chunk(void *arg, const struct chunk_ref *ref, const void *raw)
{
	struct indexer *indexer = arg;
	const struct squashfs_indexer_options *options = indexer->options;

	if (indexer->facts && indexer->facts_result == 0)
		indexer->facts_result =
			squashfs_facts_feed(indexer->facts, raw, ref->raw_size);
	if (options->chunk)
		options->chunk(options->arg, ref, raw);
}

static bool show_progress(void *arg, uint64_t done_size)
{
	const struct indexer *indexer = arg;
	const struct squashfs_indexer_options *options = indexer->options;

	return !options->progress || options->progress(options->arg, done_size);
}

static int read_object(struct indexer *indexer, struct error *err)
{
	const struct squashfs_indexer_options *options = indexer->options;
	const struct chunk_pass_options pass_options = {
		.size = indexer->object->size,
		.chunk = take_chunk,
		.progress = show_progress,
		.arg = indexer,
	};
	struct digest digest;
	int r = 0;

	if (options->keep_digests)
		r = squashfs_facts_create(&indexer->listing, &indexer->facts);
	if (r < 0)
		return error_set_errno(err, r, "cannot look for hints");
	r = chunk_pass_run(options->stream, indexer->chunks,
			   indexer->blob.chunk_count, &pass_options, &digest,
			   err);
	if (r < 0)
		return r;
	if (indexer->facts_result < 0)
		return error_set_errno(err, indexer->facts_result,
				       "cannot look for hints");
	if (options->keep_digests) {
		indexer->blob.digest = digest;
		return 0;
	}
	for (uint32_t i = 0; i < indexer->blob.chunk_count; i++)
		indexer->chunks[i].ref.digest = (struct digest){ 0 };
	return 0;
}

static int make_chunks(struct indexer *indexer, struct error *err)
{
	const struct squashfs_indexer_object *object = indexer->object;
	struct index_writer_blob *blob = &indexer->blob;
	int r = squashfs_blocks_arrange(&indexer->listing.blocks,
					object->image_off, object->super.codec,
					&indexer->chunks, &blob->chunk_count,
					&blob->raw_size);

	if (r < 0)
		return error_set_errno(err, r,
				       "cannot place the file system's "
				       "blocks");
	blob->size = object->size;
	blob->chunks = indexer->chunks;
	return indexer->options->stream ? read_object(indexer, err) : 0;
}

static int write_index(struct indexer *indexer, int fd, struct error *err)
{
	const struct squashfs_indexer_object *object = indexer->object;
	const struct index_writer_image image = {
		.manifest_digest = object->manifest_digest,
		.manifest = object->manifest,
		.manifest_size = object->manifest_size,
		.config = object->config,
		.config_size = object->config_size,
		.blobs = &indexer->blob,
		.blob_count = 1,
		.tree = indexer->tree,
	};

	return index_writer_write(fd, &image, indexer->options->is_packed, err);
}

int squashfs_indexer_run(int fd, const struct squashfs_indexer_object *object,
			 const struct squashfs_indexer_options *options,
			 struct error *err)
{
	struct indexer indexer CLEANUP(indexer_fini) = {
		.object = object,
		.options = options,
		.extents = BUFFER_INIT(EXTENTS_SIZE_MAX),
	};
	int r = squashfs_lister_run(&object->super, object->head,
				    object->tables, &indexer.listing, err);

	if (r == 0)
		r = make_chunks(&indexer, err);
	if (r == 0)
		r = make_tree(&indexer, err);
	if (r == 0)
		r = write_index(&indexer, fd, err);
	return r;
}
