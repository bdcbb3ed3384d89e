/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Content-Range from any server: what is accepted is consistent, and is
 * accepted again when written anew.
 */
#include "fetch/http_range.h"

#include "common/error.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_range(const char *value, const struct http_range *range)
{
	uint64_t size = range->last - range->first + 1;
	struct error err = { 0 };

	assert(range->first <= range->last);
	assert(!range->has_total || range->last < range->total);
	assert(http_range_check(value, range->first, size,
				range->has_total ? range->total : 0,
				&err) == 0);
	assert(http_range_check(value, range->first + 1, size, 0, &err) < 0);
	assert(http_range_check(value, range->first, size + 1, 0, &err) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *value = strndup((const char *)data, size);
	struct http_range range;
	uint64_t number;

	if (!value)
		return 0;
	if (http_range_parse(value, &range) == 0 && range.is_satisfied)
		check_range(value, &range);
	if (http_range_parse_size(value, &number) == 0)
		assert(number <= INT64_MAX);
	free(value);
	return 0;
}
