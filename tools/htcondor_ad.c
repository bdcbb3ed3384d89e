/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/htcondor_ad.h"

#include "common/cleanup.h"
#include "common/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\r\n";

/* The length of the string at @text, quotes included; 0 without an end. */
static size_t measure_string(const char *text)
{
	size_t i = 1;

	while (text[i] && text[i] != '"')
		i += text[i] == '\\' && text[i + 1] ? 2 : 1;
	return text[i] == '"' ? i + 1 : 0;
}

/* Without its quotes and backslashes. */
static char *copy_string(const char *text, size_t size)
{
	char *copy = malloc(size);
	size_t used = 0;

	if (!copy)
		return NULL;
	for (size_t i = 1; i + 1 < size; i++) {
		if (text[i] == '\\' && i + 2 < size)
			i++;
		copy[used++] = text[i];
	}
	copy[used] = '\0';
	return copy;
}

/* A value's length: to the ";" or "]" that ends it, over strings, lists and
 * ads within it; 0 without an end. */
static size_t measure_value(const char *text)
{
	size_t i = 0;
	unsigned depth = 0;

	while (text[i]) {
		if (text[i] == '"') {
			size_t size = measure_string(text + i);

			if (size == 0)
				return 0;
			i += size;
			continue;
		}
		if (depth == 0 && (text[i] == ';' || text[i] == ']'))
			return i;
		if (strchr("[{(", text[i]))
			depth++;
		else if (strchr("]})", text[i]) && depth-- == 0)
			return 0;
		i++;
	}
	return 0;
}

static int keep(const char *name, size_t name_len, const char *value,
		struct htcondor_ad *ad)
{
	char **place = NULL;
	size_t size;

	if (name_len == 3 && strncasecmp(name, "Url", 3) == 0)
		place = &ad->url;
	else if (name_len == 13 && strncasecmp(name, "LocalFileName", 13) == 0)
		place = &ad->local_name;
	if (!place || *place || value[0] != '"')
		return 0;
	size = measure_string(value);
	*place = copy_string(value, size);
	return *place ? 0 : -ENOMEM;
}

/* "Name = value" at *@at, which moves to the ";" or "]" behind. */
static int take_pair(const char **at, struct htcondor_ad *ad)
{
	const char *name = *at;
	size_t name_len = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_");
	const char *value = name + name_len;
	size_t size;

	value += strspn(value, blanks);
	if (name_len == 0 || value[0] != '=')
		return -EPROTO;
	value++;
	value += strspn(value, blanks);
	size = measure_value(value);
	if (size == 0)
		return -EPROTO;
	*at = value + size;
	return keep(name, name_len, value, ad);
}

static int take_ad(const char *start, const char **ret_end,
		   struct htcondor_ad *ad)
{
	const char *at = start + 1;
	int r = 0;

	while (r == 0) {
		at += strspn(at, blanks);
		if (*at == ']') {
			*ret_end = at + 1;
			return 0;
		}
		if (*at == ';') {
			at++;
			continue;
		}
		r = take_pair(&at, ad);
	}
	return r;
}

int htcondor_ad_next(const char *text, size_t *cursor, struct htcondor_ad *ret,
		     struct error *err)
{
	struct htcondor_ad ad = { .url = NULL };
	const char *start = text + *cursor;
	const char *end = NULL;
	int r;

	/* a list may be one: "{ [...], [...] }" */
	start += strspn(start, " \t\r\n{},");
	if (!*start)
		return HTCONDOR_AD_END;
	r = *start == '[' ? take_ad(start, &end, &ad) : -EPROTO;
	if (r < 0) {
		htcondor_ad_fini(&ad);
		return error_set(err, r,
				 r == -ENOMEM
					 ? "out of memory"
					 : "the list of files to transfer is "
					   "not in HTCondor's form");
	}
	ad.off = (size_t)(start - text);
	ad.size = (size_t)(end - start);
	*cursor = (size_t)(end - text);
	*ret = ad;
	return HTCONDOR_AD_FOUND;
}

void htcondor_ad_fini(struct htcondor_ad *ad)
{
	free(ad->url);
	free(ad->local_name);
	*ad = (struct htcondor_ad){ .url = NULL };
}

char *htcondor_ad_find_string(const char *text, const char *name)
{
	size_t len = strlen(name);

	while (*text) {
		const char *line = text + strspn(text, " \t");
		const char *value = line + len;
		size_t size;

		text += strcspn(text, "\n");
		text += *text == '\n';
		if (strncasecmp(line, name, len) != 0)
			continue;
		value += strspn(value, " \t");
		if (*value != '=')
			continue;
		value++;
		value += strspn(value, " \t");
		size = *value == '"' ? measure_string(value) : 0;
		if (size > 0)
			return copy_string(value, size);
	}
	return NULL;
}

char *htcondor_ad_quote(const char *text)
{
	char *quoted = malloc(strlen(text) * 2 + 3);
	size_t used = 0;

	if (!quoted)
		return NULL;
	quoted[used++] = '"';
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			quoted[used++] = '\\';
		quoted[used++] = iscntrl((unsigned char)*text) ? ' ' : *text;
	}
	quoted[used++] = '"';
	quoted[used] = '\0';
	return quoted;
}
