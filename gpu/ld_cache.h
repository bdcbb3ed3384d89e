/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ld_cache: /etc/ld.so.cache read without the dynamic linker.
 *
 * The format is glibc's "glibc-ld.so.cache1.1" (elf/cache.c, sysdeps/generic/
 * dl-cache.h), alone or behind the older "ld.so-1.7.0" part that ldconfig wrote
 * until 2.32.  A header of 48 bytes, then entries of 24 bytes: flags, the
 * offsets of name and path from the header's start, and what hardware an entry
 * is for.  Every offset is checked when it is used.
 *
 * Threads: any; nothing is changed.
 */
#include <stddef.h>
#include <stdint.h>

struct error;

enum { LD_CACHE_SIZE_MAX = 64 << 20 };

struct ld_cache {
	const uint8_t *data; /* from the header on; borrowed */
	size_t size;
	uint32_t count; /* of entries */
};

struct ld_cache_entry {
	const char *name; /* "libm.so.6"; in the cache's bytes */
	const char *path; /* absolute; in the cache's bytes */
	uint64_t hwcap;	  /* 0: for every machine of the architecture */
};

/**
 * ld_cache_parse() - check the header
 * @data: borrowed as long as @ret is used
 *
 * Return: 0, -EBADMSG (not such a cache, or cut short), -ENOTSUP (of a machine
 * of the other byte order).
 */
int ld_cache_parse(const uint8_t *data, size_t size, struct ld_cache *ret,
		   struct error *err);

/**
 * ld_cache_get() - one entry
 * @index: below count
 *
 * Return: 0, -EBADMSG (its strings are not within the cache, or its path is
 * not absolute): go on with the next.
 */
int ld_cache_get(const struct ld_cache *cache, uint32_t index,
		 struct ld_cache_entry *ret);
