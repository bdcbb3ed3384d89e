/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a tar archive, in blocks of a size that the first byte tells.
 * What is accepted must keep the promises of struct tree_entry.
 */
#include "common/error.h"
#include "index/entry_list.h"
#include "index/tree.h"
#include "tests/support/tar_listing.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct tree_entry *entry, size_t size)
{
	uint64_t end = 0;

	if (!entry->path || !*entry->path || entry->mtime_ns > 999999999)
		abort();
	if (S_ISLNK(entry->mode) && !entry->hard_link && !entry->symlink)
		abort();
	for (size_t i = 0; i < entry->extent_count; i++) {
		const struct tree_extent *extent = &entry->extents[i];

		if (extent->size == 0 || extent->file_off < end ||
		    extent->raw_off + extent->size > size)
			abort();
		end = extent->file_off + extent->size;
	}
	if (end > entry->size)
		abort();
	for (size_t i = 0; i < entry->xattr_count; i++)
		if (!*entry->xattrs[i].name ||
		    strlen(entry->xattrs[i].name) > 255 ||
		    entry->xattrs[i].value_size > 65536)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct entry_list *list = entry_list_create(1 << 26);
	const struct tree_entry *entry = NULL;
	struct error err;

	if (!list)
		return 0;
	tar_listing_read(data, size, size ? data[0] * 16u + 1 : 1, list, &err);
	while ((entry = entry_list_next(list, entry)))
		check(entry, size);
	entry_list_destroy(list);
	return 0;
}
