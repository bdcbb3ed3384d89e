/* SPDX-License-Identifier: Apache-2.0 */
#include "index/hint_fact.h"

#include <errno.h>

int hint_fact_add(struct buffer *facts, enum hint_fact_kind kind,
		  const void *data, size_t size)
{
	uint8_t header[HINT_FACT_HEADER_SIZE] = { (uint8_t)kind };
	int r;

	if (size > UINT16_MAX)
		return -EFBIG;
	le_store16(header + 1, (uint16_t)size);
	r = buffer_reserve(facts, sizeof(header) + size);
	if (r == 0)
		r = buffer_append(facts, header, sizeof(header));
	if (r == 0 && size)
		r = buffer_append(facts, data, size);
	return r;
}

bool hint_fact_next(const uint8_t *facts, size_t size, size_t *off,
		    struct hint_fact *ret)
{
	if (!le_range_fits(*off, HINT_FACT_HEADER_SIZE, size))
		return false;
	ret->kind = (enum hint_fact_kind)facts[*off];
	ret->size = le_load16(facts + *off + 1);
	*off += HINT_FACT_HEADER_SIZE;
	if (!le_range_fits(*off, ret->size, size))
		return false;
	ret->data = facts + *off;
	*off += ret->size;
	return true;
}
