/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_range.h"

#include <assert.h>
#include <stdlib.h>

struct chunk_range *chunk_range_create(void)
{
	return calloc(1, sizeof(struct chunk_range));
}

void chunk_range_destroy(struct chunk_range *range)
{
	if (!range)
		return;
	assert(range->refs == 0);
	free(range->data);
	free(range);
}
