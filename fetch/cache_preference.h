/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cache_preference: the caches a user or a site wants asked first.
 *
 * A list parted by commas or blanks, of "https://HOST:PORT" or "HOST:PORT"; a
 * '+' at its end means "then those the director names"; without it only these
 * are asked.  From PELICAN_CLIENT_PREFERREDCACHES, else the older
 * PELICAN_NEAREST_CACHE, NEAREST_CACHE and OSG_NEAREST_CACHE.
 *
 * Threads: no shared state.
 */
#include <stdbool.h>

struct error;

enum { CACHE_PREFERENCE_COUNT_MAX = 8 };

struct cache_preference {
	unsigned count;				 /* 0: no preference */
	char *bases[CACHE_PREFERENCE_COUNT_MAX]; /* "https://host:port" */
	bool adds_directors; /* then those of the director */
};

/**
 * cache_preference_parse() - read a list
 *
 * Return: 0; -EINVAL with @err naming what is wrong ('+' elsewhere, no URL,
 * more than CACHE_PREFERENCE_COUNT_MAX); -ENOMEM.
 */
int cache_preference_parse(const char *text, struct cache_preference *ret,
			   struct error *err);

/** cache_preference_load() - from the environment; errors as parse, naming the
 * variable */
int cache_preference_load(struct cache_preference *ret, struct error *err);
void cache_preference_fini(struct cache_preference *preference);
