/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_range.h"

#include "common/chunk_ref.h"

#include <assert.h>
#include <stdlib.h>

struct chunk_range *chunk_range_create(void)
{
	return calloc(1, sizeof(struct chunk_range));
}

size_t chunk_range_end_of(const struct chunk_range *range,
			  const struct chunk_ref *ref)
{
	assert(ref->stored_off >= range->off);
	return (size_t)(ref->stored_off - range->off) + ref->stored_size;
}

void chunk_range_destroy(struct chunk_range *range)
{
	if (!range)
		return;
	assert(range->refs == 0);
	free(range->data);
	free(range);
}
