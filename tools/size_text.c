/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/size_text.h"

#include "common/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	double factor;
};

static const struct unit size_units[] = {
	{ "", 1 },
	{ "b", 1 },
	{ "k", 1024 },
	{ "kb", 1024 },
	{ "kib", 1024 },
	{ "m", 1048576 },
	{ "mb", 1048576 },
	{ "mib", 1048576 },
	{ "g", 1073741824 },
	{ "gb", 1073741824 },
	{ "gib", 1073741824 },
	{ "t", 1099511627776.0 },
	{ "tb", 1099511627776.0 },
	{ "tib", 1099511627776.0 },
	{ NULL, 0 },
};

static const struct unit duration_units[] = {
	{ "", 1000 },	  { "ms", 1 },	     { "s", 1000 }, { "m", 60000 },
	{ "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
};

/* A decimal number (never hexadecimal, "inf" or "nan") and a unit. */
static int parse(const char *text, const struct unit *units, uint64_t *ret)
{
	size_t digits = strspn(text, "0123456789.");
	char *end = NULL;
	double value;

	if (digits == 0)
		return -EINVAL;
	value = strtod(text, &end);
	if (end != text + digits)
		return -EINVAL;
	while (*end == ' ')
		end++;
	for (; units->name; units++) {
		if (strcasecmp(end, units->name) != 0)
			continue;
		value *= units->factor;
		if (!(value >= 0 && value < 9e18))
			return -EINVAL;
		*ret = (uint64_t)(value + 0.5);
		return 0;
	}
	return -EINVAL;
}

int size_text_parse(const char *text, const char *what, uint64_t *ret,
		    struct error *err)
{
	if (parse(text, size_units, ret) < 0)
		return error_set(err, -EINVAL,
				 "%s: \"%.40s\" is not a size; write 500M, "
				 "20G, or bytes",
				 what, text);
	return 0;
}

int size_text_parse_duration(const char *text, const char *what,
			     uint64_t *ret_ms, struct error *err)
{
	if (parse(text, duration_units, ret_ms) < 0)
		return error_set(err, -EINVAL,
				 "%s: \"%.40s\" is not a duration; write 30s, "
				 "5m, 2h, or seconds",
				 what, text);
	return 0;
}

const char *size_text_format(uint64_t size, char ret[SIZE_TEXT_MAX])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double value = (double)size;
	size_t unit = 0;

	while (value >= 999.5 && unit < 4) {
		value /= 1000;
		unit++;
	}
	snprintf(ret, SIZE_TEXT_MAX,
		 unit && value < 99.95 ? "%.1f %s" : "%.0f %s", value,
		 units[unit]);
	return ret;
}
