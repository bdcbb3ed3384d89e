/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/range_header.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Digits up to @end; a number beyond 64 bits becomes the largest. */
static bool parse_number(const char *text, const char *end, uint64_t *ret)
{
	uint64_t value = 0;

	if (text == end)
		return false;
	for (; text < end; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, digit, &value))
			value = UINT64_MAX / 10;
	}
	*ret = value;
	return true;
}

enum range_header_kind range_header_parse(const char *text, uint64_t size,
					  uint64_t *ret_off, uint64_t *ret_size)
{
	const char *dash;
	const char *end;
	uint64_t first = 0;
	uint64_t last = UINT64_MAX;

	if (!text || strncasecmp(text, "bytes=", 6) != 0)
		return RANGE_HEADER_WHOLE;
	text += 6;
	dash = strchr(text, '-');
	end = text + strlen(text);
	if (!dash)
		return RANGE_HEADER_WHOLE;
	if (dash == text) {
		if (!parse_number(dash + 1, end, &last))
			return RANGE_HEADER_WHOLE;
		if (last == 0 || size == 0)
			return RANGE_HEADER_UNSATISFIABLE;
		*ret_size = last < size ? last : size;
		*ret_off = size - *ret_size;
		return RANGE_HEADER_PART;
	}
	if (!parse_number(text, dash, &first) ||
	    (dash + 1 < end && !parse_number(dash + 1, end, &last)) ||
	    last < first)
		return RANGE_HEADER_WHOLE;
	if (first >= size)
		return RANGE_HEADER_UNSATISFIABLE;
	*ret_off = first;
	*ret_size = (last < size ? last + 1 : size) - first;
	return RANGE_HEADER_PART;
}
