/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tar_listing.h"

#include "common/error.h"
#include "index/entry_list.h"
#include "index/tar_reader.h"
#include "index/tree.h"

#include <stdlib.h>
#include <string.h>

struct listing {
	const uint8_t *data;
	size_t size;
	size_t off;
	size_t block_size;
	uint8_t *block;
	struct entry_list *list;
};

static ssize_t next_block(void *arg, const void **ret, struct error *err)
{
	struct listing *listing = arg;
	size_t size = listing->size - listing->off;

	(void)err;
	free(listing->block);
	listing->block = NULL;
	if (size > listing->block_size)
		size = listing->block_size;
	if (size == 0)
		return 0;
	listing->block = malloc(size);
	if (!listing->block)
		abort();
	memcpy(listing->block, listing->data + listing->off, size);
	listing->off += size;
	*ret = listing->block;
	return (ssize_t)size;
}

static int keep(void *arg, const struct tree_entry *entry, struct error *err)
{
	struct listing *listing = arg;
	int r = entry_list_add(listing->list, entry);

	return r < 0 ? error_set(err, r, "cannot keep the entry") : 0;
}

int tar_listing_read(const void *data, size_t size, size_t block_size,
		     struct entry_list *list, struct error *err)
{
	struct listing listing = {
		.data = data,
		.size = size,
		.block_size = block_size,
		.list = list,
	};
	int r = tar_reader_read(next_block, keep, &listing, err);

	if (r == 0 && listing.off != size)
		abort(); /* success means that all was read */
	free(listing.block);
	return r;
}

const struct tree_entry *tar_listing_find(const struct entry_list *list,
					  const char *path)
{
	const struct tree_entry *found = NULL;
	const struct tree_entry *entry = NULL;

	while ((entry = entry_list_next(list, entry)))
		if (strcmp(entry->path, path) == 0)
			found = entry;
	return found;
}

uint8_t *tar_listing_content(const struct tree_entry *entry, const void *data,
			     size_t size)
{
	uint8_t *content = calloc(1, entry->size + 1);

	if (!content)
		abort();
	for (size_t i = 0; i < entry->extent_count; i++) {
		const struct tree_extent *extent = &entry->extents[i];

		if (extent->raw_off > size ||
		    extent->size > size - extent->raw_off ||
		    extent->file_off > entry->size ||
		    extent->size > entry->size - extent->file_off)
			abort();
		memcpy(content + extent->file_off,
		       (const uint8_t *)data + extent->raw_off, extent->size);
	}
	return content;
}
