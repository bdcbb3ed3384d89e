/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_cache_name.h"

#include "common/clock.h"
#include "common/digest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define TEMPORARY_PREFIX ".tmp-"

unsigned chunk_cache_name_shard(const struct digest *key)
{
	return key->bytes[0] >> 4;
}

void chunk_cache_name_format(const struct digest *key,
			     char ret_path[CHUNK_CACHE_NAME_SIZE])
{
	char hex[DIGEST_HEX_SIZE];

	digest_format_hex(key, hex);
	(void)snprintf(ret_path, CHUNK_CACHE_NAME_SIZE,
		       CHUNK_CACHE_NAME_FOLDER "/%.1s/%s", hex, hex + 1);
}

void chunk_cache_name_format_temporary(const struct digest *key,
				       char ret_path[CHUNK_CACHE_NAME_SIZE])
{
	uint64_t random;

	/* Another process may have our pid in another namespace. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(random))
		random = (uint64_t)clock_us();
	(void)snprintf(ret_path, CHUNK_CACHE_NAME_SIZE,
		       CHUNK_CACHE_NAME_FOLDER "/%x/" TEMPORARY_PREFIX
					       "%016llx",
		       chunk_cache_name_shard(key), (unsigned long long)random);
}

void chunk_cache_name_format_former(unsigned shard,
				    char ret_path[CHUNK_CACHE_NAME_SIZE])
{
	assert(shard < CHUNK_CACHE_NAME_FORMER_SHARDS);
	(void)snprintf(ret_path, CHUNK_CACHE_NAME_SIZE,
		       CHUNK_CACHE_NAME_FOLDER "/%02x", shard);
}

void chunk_cache_name_format_shard(unsigned shard,
				   char ret_path[CHUNK_CACHE_NAME_SIZE])
{
	assert(shard < CHUNK_CACHE_NAME_SHARDS);
	(void)snprintf(ret_path, CHUNK_CACHE_NAME_SIZE,
		       CHUNK_CACHE_NAME_FOLDER "/%x", shard);
}

bool chunk_cache_name_is_chunk(const char *name)
{
	size_t digits = strspn(name, "0123456789abcdef");

	/* a digit less in a former folder */
	return (digits == DIGEST_HEX_SIZE - 1 - 1 ||
		digits == DIGEST_HEX_SIZE - 1 - 2) &&
	       name[digits] == '\0';
}

bool chunk_cache_name_is_temporary(const char *name)
{
	return strncmp(name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) == 0;
}
