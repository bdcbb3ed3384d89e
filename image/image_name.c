/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_name.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* What may stand between the letters and digits of a component: '.', '_',
 * "__" or any number of '-'. */
static bool is_separator(const char *text, size_t len)
{
	if (strspn(text, "-") >= len)
		return true;
	return (len == 1 && is_one_of(*text, "._")) ||
	       (len == 2 && strncmp(text, "__", 2) == 0);
}

static bool is_component(const char *text, size_t len)
{
	const char *end = text + len;

	for (;;) {
		size_t count = strspn(text, LOWER DIGITS);

		if (count == 0)
			return false;
		text += count;
		if (text == end)
			return true;
		count = strcspn(text, LOWER DIGITS "/");
		if (!is_separator(text, count))
			return false;
		text += count;
	}
}

bool image_name_is_repository(const char *text)
{
	if (strlen(text) > IMAGE_NAME_REPOSITORY_LEN_MAX)
		return false;
	for (;;) {
		size_t len = strcspn(text, "/");

		if (!is_component(text, len))
			return false;
		if (!text[len])
			return true;
		text += len + 1;
	}
}

bool image_name_is_tag(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= IMAGE_NAME_TAG_LEN_MAX &&
	       is_one_of(text[0], LOWER UPPER DIGITS "_") &&
	       strspn(text, LOWER UPPER DIGITS "_.-") == len;
}

bool image_name_is_layout_tag(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= IMAGE_NAME_LAYOUT_TAG_LEN_MAX &&
	       is_one_of(text[0], LOWER UPPER DIGITS "_") &&
	       strspn(text, LOWER UPPER DIGITS "-._:@/+") == len;
}

static bool is_port(const char *text)
{
	size_t len = strlen(text);
	unsigned long port;

	if (len < 1 || len > 5 || strspn(text, DIGITS) != len)
		return false;
	port = strtoul(text, NULL, 10);
	return port >= 1 && port <= 65535;
}

static bool is_port_or_end(const char *text)
{
	return !*text || (*text == ':' && is_port(text + 1));
}

static bool is_ipv6_host(const char *text)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr parsed;
	size_t len = strcspn(text, "]");

	if (text[len] != ']' || len < 1 || len > sizeof(address))
		return false;
	memcpy(address, text + 1, len - 1);
	address[len - 1] = '\0';
	return inet_pton(AF_INET6, address, &parsed) == 1 &&
	       is_port_or_end(text + len + 1);
}

/* Labels of letters, digits and inner '-', joined by dots. */
static bool is_domain(const char *text, size_t len)
{
	const char *end = text + len;

	for (;;) {
		size_t count = strspn(text, LOWER UPPER DIGITS "-");

		if (count == 0 || count > 63 || text[0] == '-' ||
		    text[count - 1] == '-')
			return false;
		text += count;
		if (text == end)
			return true;
		if (*text++ != '.')
			return false;
	}
}

bool image_name_is_host(const char *text)
{
	size_t len = strcspn(text, ":");

	if (strlen(text) > IMAGE_NAME_HOST_LEN_MAX)
		return false;
	if (text[0] == '[')
		return is_ipv6_host(text);
	return is_domain(text, len) && is_port_or_end(text + len);
}
