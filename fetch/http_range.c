/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http_range.h"

#include "common/error.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* Moves @cursor past the digits; false without any, or past 63 bits. */
static bool parse_number(const char **cursor, uint64_t *ret)
{
	const char *p = *cursor;
	uint64_t number = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (number > (INT64_MAX - 9) / 10)
			return false;
		number = number * 10 + (uint64_t)(*p - '0');
	}
	*cursor = p;
	*ret = number;
	return true;
}

static bool skip_char(const char **cursor, char c)
{
	if (**cursor != c)
		return false;
	++*cursor;
	return true;
}

static bool parse_ends(const char **cursor, struct http_range *range)
{
	range->is_satisfied = !skip_char(cursor, '*');
	if (!range->is_satisfied)
		return true;
	return parse_number(cursor, &range->first) && skip_char(cursor, '-') &&
	       parse_number(cursor, &range->last) &&
	       range->first <= range->last;
}

static bool parse_total(const char **cursor, struct http_range *range)
{
	range->has_total = !skip_char(cursor, '*');
	if (!range->has_total)
		return range->is_satisfied;
	return parse_number(cursor, &range->total) &&
	       (!range->is_satisfied || range->last < range->total);
}

int http_range_parse(const char *value, struct http_range *ret)
{
	struct http_range range = { 0 };
	const char *p = skip_blanks(value);

	if (strncasecmp(p, "bytes", 5) != 0 || (p[5] != ' ' && p[5] != '\t'))
		return -EPROTO;
	p = skip_blanks(p + 5);
	if (!parse_ends(&p, &range) || !skip_char(&p, '/') ||
	    !parse_total(&p, &range))
		return -EPROTO;
	if (*skip_blanks(p) != '\0')
		return -EPROTO;
	*ret = range;
	return 0;
}

int http_range_check(const char *value, uint64_t off, uint64_t size,
		     uint64_t total, struct error *err)
{
	struct http_range range;

	assert(size > 0);
	if (!value)
		return error_set(err, -EPROTO,
				 "a part of the file came without saying which "
				 "(no Content-Range)");
	if (http_range_parse(value, &range) < 0 || !range.is_satisfied)
		return error_set(err, -EPROTO,
				 "malformed Content-Range \"%.80s\"", value);
	if (range.first != off || range.last - range.first != size - 1)
		return error_set(err, -EPROTO,
				 "asked for bytes %" PRIu64 "-%" PRIu64
				 ", got %" PRIu64 "-%" PRIu64,
				 off, off + size - 1, range.first, range.last);
	if (total && range.has_total && range.total != total)
		return error_set(err, -EPROTO,
				 "the file has %" PRIu64 " bytes there, "
				 "expected %" PRIu64,
				 range.total, total);
	return 0;
}

int http_range_parse_size(const char *value, uint64_t *ret)
{
	const char *p = skip_blanks(value);
	uint64_t size;

	if (!parse_number(&p, &size) || *skip_blanks(p) != '\0')
		return -EPROTO;
	*ret = size;
	return 0;
}
