/* SPDX-License-Identifier: Apache-2.0 */
/* A library cache of any content: every entry's strings end within it. */
#include "gpu/ld_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ld_cache cache;
	struct ld_cache_entry entry;

	if (ld_cache_parse(data, size, &cache, NULL) < 0)
		return 0;
	assert(cache.size <= size && cache.count <= size / 24);
	for (uint32_t i = 0; i < cache.count; i++) {
		if (ld_cache_get(&cache, i, &entry) < 0)
			continue;
		assert(entry.path[0] == '/' && strlen(entry.path) < size);
		assert(entry.name[0] && !strchr(entry.name, '/'));
	}
	return 0;
}
