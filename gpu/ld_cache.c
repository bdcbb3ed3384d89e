/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/ld_cache.h"

#include "common/error.h"
#include "common/le.h"

#include <assert.h>
#include <errno.h>

static const char new_magic[] = "glibc-ld.so.cache1.1";
static const char old_magic[] = "ld.so-1.7.0";

enum {
	HEADER_SIZE = 48,
	COUNT_OFF = 20,
	FLAGS_OFF = 28,
	ENTRY_SIZE = 24,
	NAME_OFF = 4,
	PATH_OFF = 8,
	HWCAP_OFF = 16,
	OLD_HEADER_SIZE = 16,
	OLD_COUNT_OFF = 12,
	OLD_ENTRY_SIZE = 12,
	ENDIAN_MASK = 3,
	ENDIAN_LITTLE = 2, /* 0: not said, by glibc before 2.33 */
};

static bool has_magic(const uint8_t *data, size_t size, const char *magic)
{
	return size >= strlen(magic) && memcmp(data, magic, strlen(magic)) == 0;
}

/* Where the new part begins: behind the old one and its entries. */
static size_t find_new(const uint8_t *data, size_t size)
{
	uint64_t end;

	if (!has_magic(data, size, old_magic) || size < OLD_HEADER_SIZE)
		return 0;
	end = (uint64_t)le_load32(data + OLD_COUNT_OFF) * OLD_ENTRY_SIZE +
	      OLD_HEADER_SIZE;
	end = (end + 7) & ~(uint64_t)7;
	return end < size ? (size_t)end : 0;
}

int ld_cache_parse(const uint8_t *data, size_t size, struct ld_cache *ret,
		   struct error *err)
{
	size_t start = find_new(data, size);
	uint8_t endian;
	uint32_t count;

	data += start;
	size -= start;
	if (size < HEADER_SIZE || !has_magic(data, size, new_magic))
		return error_set(err, -EBADMSG,
				 "the cache of libraries is not of a format "
				 "that is known: run ldconfig");
	endian = data[FLAGS_OFF] & ENDIAN_MASK;
	if (endian != 0 && endian != ENDIAN_LITTLE)
		return error_set(err, -ENOTSUP,
				 "the cache of libraries is of a machine of "
				 "another byte order");
	count = le_load32(data + COUNT_OFF);
	if (count > (size - HEADER_SIZE) / ENTRY_SIZE)
		return error_set(err, -EBADMSG,
				 "the cache of libraries is cut short: run "
				 "ldconfig");
	*ret = (struct ld_cache){ .data = data, .size = size, .count = count };
	return 0;
}

/* NULL when it does not end within the cache. */
static const char *find_string(const struct ld_cache *cache, uint32_t off)
{
	if (off >= cache->size ||
	    !memchr(cache->data + off, '\0', cache->size - off))
		return NULL;
	return (const char *)cache->data + off;
}

int ld_cache_get(const struct ld_cache *cache, uint32_t index,
		 struct ld_cache_entry *ret)
{
	const uint8_t *entry;
	const char *name;
	const char *path;

	assert(index < cache->count);
	entry = cache->data + HEADER_SIZE + (size_t)index * ENTRY_SIZE;
	name = find_string(cache, le_load32(entry + NAME_OFF));
	path = find_string(cache, le_load32(entry + PATH_OFF));
	if (!name || !path || path[0] != '/' || !name[0] || strchr(name, '/'))
		return -EBADMSG;
	*ret = (struct ld_cache_entry){
		.name = name,
		.path = path,
		.hwcap = le_load64(entry + HWCAP_OFF),
	};
	return 0;
}
