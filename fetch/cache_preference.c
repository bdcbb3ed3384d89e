/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/cache_preference.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATORS ", \t\n"

void cache_preference_fini(struct cache_preference *preference)
{
	for (unsigned i = 0; i < preference->count; i++)
		free(preference->bases[i]);
	*preference = (struct cache_preference){ 0 };
}

static bool is_server(const char *base)
{
	struct url url = { 0 };
	bool is_good = url_parse(base, &url) == 0 && !strpbrk(base, "?#@");

	url_fini(&url);
	return is_good;
}

static int add(struct cache_preference *preference, const char *word,
	       size_t len, struct error *err)
{
	bool has_scheme = memmem(word, len, "://", 3);
	char *base = NULL;

	while (len > 0 && word[len - 1] == '/')
		len--;
	if (preference->count == CACHE_PREFERENCE_COUNT_MAX)
		return error_set(err, -EINVAL, "more than %d caches",
				 CACHE_PREFERENCE_COUNT_MAX);
	if (asprintf(&base, "%s%.*s", has_scheme ? "" : "https://",
		     len < 2048 ? (int)len : 2048, word) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (!is_server(base)) {
		free(base);
		return error_set(err, -EINVAL,
				 "\"%.*s\" is no cache's address (HOST:PORT or "
				 "https://HOST:PORT)",
				 len < 200 ? (int)len : 200, word);
	}
	preference->bases[preference->count++] = base;
	return 0;
}

static int parse(const char *text, struct cache_preference *preference,
		 struct error *err)
{
	while (*(text += strspn(text, SEPARATORS))) {
		size_t len = strcspn(text, SEPARATORS);
		int r;

		if (preference->adds_directors)
			return error_set(err, -EINVAL,
					 "'+' must be the last of the list");
		if (len == 1 && *text == '+') {
			preference->adds_directors = true;
		} else {
			r = add(preference, text, len, err);
			if (r < 0)
				return r;
		}
		text += len;
	}
	if (preference->adds_directors && preference->count == 0)
		return error_set(err, -EINVAL, "'+' alone names no cache");
	return 0;
}

int cache_preference_parse(const char *text, struct cache_preference *ret,
			   struct error *err)
{
	struct cache_preference preference CLEANUP(
		cache_preference_fini) = { 0 };
	int r = parse(text, &preference, err);

	if (r < 0)
		return r;
	*ret = preference;
	preference = (struct cache_preference){ 0 };
	return 0;
}

int cache_preference_load(struct cache_preference *ret, struct error *err)
{
	static const char *const names[] = {
		"PELICAN_CLIENT_PREFERREDCACHES",
		"PELICAN_NEAREST_CACHE",
		"NEAREST_CACHE",
		"OSG_NEAREST_CACHE",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = getenv(names[i]);
		int r;

		if (!text || !*text)
			continue;
		r = cache_preference_parse(text, ret, err);
		return r < 0 ? error_prefix(err, r, "%s", names[i]) : 0;
	}
	*ret = (struct cache_preference){ 0 };
	return 0;
}
