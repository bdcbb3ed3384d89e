/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_record.h"

#include "common/digest.h"
#include "common/hash.h"
#include "common/le.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
	VERSION_OFF = 4,
	KEY_OFF = 8,
	SIZE_OFF = 40,
	HASH_OFF = 48,
};

static const uint8_t magic[4] = { 'L', 'Z', 'R', 'C' };

static_assert(KEY_OFF + DIGEST_SIZE == SIZE_OFF, "docs/cache.md, Records");
static_assert(HASH_OFF + 16 == CHUNK_RECORD_HEADER_SIZE,
	      "docs/cache.md, Records");

void chunk_record_encode(const struct digest *key, const void *data,
			 uint32_t size,
			 uint8_t ret_header[CHUNK_RECORD_HEADER_SIZE])
{
	struct hash128 hash = hash_xxh3_128(data, size);

	memcpy(ret_header, magic, sizeof(magic));
	le_store32(ret_header + VERSION_OFF, CHUNK_RECORD_VERSION);
	memcpy(ret_header + KEY_OFF, key->bytes, DIGEST_SIZE);
	le_store64(ret_header + SIZE_OFF, size);
	le_store64(ret_header + HASH_OFF, hash.low);
	le_store64(ret_header + HASH_OFF + 8, hash.high);
}

int chunk_record_check_sum(const uint8_t header[CHUNK_RECORD_HEADER_SIZE],
			   const struct digest *key, uint32_t size,
			   struct hash128 sum)
{
	if (memcmp(header, magic, sizeof(magic)) != 0 ||
	    le_load32(header + VERSION_OFF) != CHUNK_RECORD_VERSION ||
	    memcmp(header + KEY_OFF, key->bytes, DIGEST_SIZE) != 0 ||
	    le_load64(header + SIZE_OFF) != size)
		return -EBADMSG;
	if (le_load64(header + HASH_OFF) != sum.low ||
	    le_load64(header + HASH_OFF + 8) != sum.high)
		return -EBADMSG;
	return 0;
}

int chunk_record_check(const uint8_t header[CHUNK_RECORD_HEADER_SIZE],
		       const struct digest *key, const void *data,
		       uint32_t size)
{
	return chunk_record_check_sum(header, key, size,
				      hash_xxh3_128(data, size));
}
