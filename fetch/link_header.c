/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/link_header.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum {
	PRI_NONE = 999999, /* RFC 6249, section 3.1: the largest is 999999 */
	NUMBER_MAX = 999999,
	NAME_SIZE = 32,
};

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* To the comma that ends an element, or the end. */
static const char *skip_element(const char *p)
{
	bool is_quoted = false;
	bool is_url = false;

	for (; *p; p++) {
		if (is_quoted && *p == '\\' && p[1])
			p++;
		else if (*p == '"' && !is_url)
			is_quoted = !is_quoted;
		else if (*p == '<' && !is_quoted)
			is_url = true;
		else if (*p == '>')
			is_url = false;
		else if (*p == ',' && !is_quoted && !is_url)
			break;
	}
	return p;
}

static bool copy_url(const char *p, size_t len, char *ret)
{
	if (len == 0 || len >= LINK_HEADER_URL_SIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)p[i] <= 0x20 || p[i] == 0x7f)
			return false;
	memcpy(ret, p, len);
	ret[len] = '\0';
	return true;
}

/* A token or a quoted-string, cut to fit.  Return: behind it. */
static const char *read_value(const char *p, char *ret, size_t size)
{
	bool is_quoted = *p == '"';
	size_t len = 0;

	if (is_quoted)
		p++;
	while (*p && (is_quoted ? *p != '"' : !strchr(" \t;,", *p))) {
		if (is_quoted && *p == '\\' && p[1])
			p++;
		if (len + 1 < size && (unsigned char)*p >= 0x20 && *p != 0x7f)
			ret[len++] = *p;
		p++;
	}
	ret[len] = '\0';
	return is_quoted && *p ? p + 1 : p;
}

static unsigned parse_number(const char *text, unsigned otherwise)
{
	unsigned number = 0;

	if (!*text)
		return otherwise;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return otherwise;
		number = number * 10 + (unsigned)(*text - '0');
		if (number > NUMBER_MAX)
			return NUMBER_MAX;
	}
	return number;
}

static const char *read_parameter(const char *p, struct link_header *link)
{
	char name[NAME_SIZE];
	char value[LINK_HEADER_REL_SIZE] = "";
	size_t len = strcspn(p, "=;, \t");

	name[0] = '\0';
	if (len < sizeof(name)) {
		memcpy(name, p, len);
		name[len] = '\0';
	}
	p = skip_blanks(p + len);
	if (*p == '=')
		p = read_value(skip_blanks(p + 1), value, sizeof(value));
	if (strcasecmp(name, "rel") == 0 && !*link->rel)
		memcpy(link->rel, value, sizeof(value));
	else if (strcasecmp(name, "pri") == 0)
		link->pri = parse_number(value, PRI_NONE);
	else if (strcasecmp(name, "depth") == 0)
		link->depth = parse_number(value, 0);
	return skip_blanks(p);
}

/* At the '<'.  Return: behind the element; NULL: malformed. */
static const char *read_link(const char *p, struct link_header *link)
{
	const char *end = strchr(p, '>');

	if (!end || !copy_url(p + 1, (size_t)(end - p - 1), link->url))
		return NULL;
	link->rel[0] = '\0';
	link->pri = PRI_NONE;
	link->depth = 0;
	p = skip_blanks(end + 1);
	while (*p == ';')
		p = read_parameter(skip_blanks(p + 1), link);
	return *p == ',' || *p == '\0' ? p : NULL;
}

int link_header_next(const char **cursor, struct link_header *ret)
{
	const char *p = *cursor;

	while (*(p += strspn(p, " \t,"))) {
		const char *end = *p == '<' ? read_link(p, ret) : NULL;

		*cursor = end ? end : skip_element(p);
		if (end)
			return LINK_HEADER_FOUND;
		/* an element that is only a stray quote or bracket */
		if (*cursor == p)
			break;
		p = *cursor;
	}
	*cursor = p + strlen(p);
	return LINK_HEADER_END;
}
