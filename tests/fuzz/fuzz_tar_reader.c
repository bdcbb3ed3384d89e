/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a tar archive, in blocks of a size that the first byte tells.
 * What is accepted must keep the promises of struct tree_entry.  Blocks that
 * look like headers get the right checksum first: no mutation would find it.
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

static void fix_checksums(uint8_t *data, size_t size)
{
	for (; size >= 512; data += 512, size -= 512) {
		unsigned sum = 0;

		if (memcmp(data + 257, "ustar", 5) != 0)
			continue;
		memset(data + 148, ' ', 8);
		for (size_t i = 0; i < 512; i++)
			sum += data[i];
		for (size_t i = 6; i-- > 0; sum /= 8)
			data[148 + i] = (uint8_t)('0' + sum % 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct entry_list *list = entry_list_create(1 << 26);
	const struct tree_entry *entry = NULL;
	uint8_t *tar = malloc(size + 1);
	struct error err;

	if (!list || !tar)
		abort();
	memcpy(tar, data, size);
	fix_checksums(tar, size);
	tar_listing_read(tar, size, size ? tar[0] * 16u + 1 : 1, list, &err);
	while ((entry = entry_list_next(list, entry)))
		check(entry, size);
	entry_list_destroy(list);
	free(tar);
	return 0;
}
