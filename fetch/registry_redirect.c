/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_redirect.h"

#include "fetch/url.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	LIFE_S_DEFAULT = 60,
	LIFE_S_MAX = 12 * 3600,
	MARGIN_S_MAX = 10,
};

static bool find_number(const char *url, const char *name, int64_t *ret)
{
	char value[32];
	char *end;

	if (!url_find_query(url, name, value, sizeof(value)) || !*value)
		return false;
	*ret = strtoll(value, &end, 10);
	return *end == '\0' && *ret >= 0;
}

/* "2026-11-21T19:58:20Z" or, as Amazon writes it, "20261121T195820Z". */
static bool find_date(const char *url, const char *name, int64_t *ret_s)
{
	struct tm tm = { 0 };
	char value[64];
	char zone = 0;

	if (!url_find_query(url, name, value, sizeof(value)))
		return false;
	if (sscanf(value, "%4d-%2d-%2dT%2d:%2d:%2d%c", &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
		   &zone) != 7 &&
	    sscanf(value, "%4d%2d%2dT%2d%2d%2d%c", &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
		   &zone) != 7)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret_s = (int64_t)timegm(&tm);
	return zone == 'Z' && *ret_s >= 0;
}

int64_t registry_redirect_life_s(const char *url, int64_t wall_s)
{
	int64_t life_s = 0;
	int64_t number;
	int64_t date_s;

	if (find_number(url, "X-Amz-Expires", &number) &&
	    find_date(url, "X-Amz-Date", &date_s)) {
		if (number > LIFE_S_MAX)
			number = LIFE_S_MAX;
		life_s = date_s + number - wall_s;
	} else if (find_number(url, "Expires", &number))
		life_s = number - wall_s;
	else if (find_date(url, "se", &date_s))
		life_s = date_s - wall_s;
	if (life_s <= 0)
		return LIFE_S_DEFAULT;
	return life_s < LIFE_S_MAX ? life_s : LIFE_S_MAX;
}

void registry_redirect_fini(struct registry_redirect *redirect)
{
	free(redirect->url);
	redirect->url = NULL;
}

void registry_redirect_set(struct registry_redirect *redirect, const char *url,
			   int64_t now_ms, int64_t wall_s)
{
	int64_t life_ms = registry_redirect_life_s(url, wall_s) * 1000;
	int64_t margin_ms = life_ms / 5;

	if (margin_ms > MARGIN_S_MAX * 1000)
		margin_ms = MARGIN_S_MAX * 1000;
	free(redirect->url);
	redirect->url = strdup(url);
	redirect->until_ms = now_ms + life_ms - margin_ms;
}

const char *registry_redirect_find(const struct registry_redirect *redirect,
				   int64_t now_ms)
{
	return redirect->url && now_ms < redirect->until_ms ? redirect->url
							    : NULL;
}

bool registry_redirect_is_allowed(const char *from, const char *to)
{
	struct url from_url = { 0 };
	struct url to_url = { 0 };
	bool is_allowed = url_parse(from, &from_url) == 0 &&
			  url_parse(to, &to_url) == 0 &&
			  (strcmp(to_url.scheme, "https") == 0 ||
			   strcmp(from_url.scheme, "http") == 0);

	url_fini(&from_url);
	url_fini(&to_url);
	return is_allowed;
}
