/* SPDX-License-Identifier: Apache-2.0 */
#include "common/chunk_ref.h"

#include "common/le.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static bool chunk_ref_is_sane(const struct chunk_ref *ref)
{
	if (ref->stored_size == 0 || ref->stored_size > CHUNK_STORED_SIZE_MAX ||
	    ref->raw_size > CHUNK_RAW_SIZE_MAX ||
	    ref->window_size > CHUNK_WINDOW_SIZE_MAX ||
	    ref->stored_off > INT64_MAX - CHUNK_STORED_SIZE_MAX)
		return false;
	if (ref->codec > CODEC_LZ4)
		return false;
	if (ref->codec == CODEC_RAW && ref->stored_size != ref->raw_size)
		return false;
	if (ref->codec == CODEC_DEFLATE_SPAN &&
	    (ref->start_bit > 7 || ref->end_bit < 1 || ref->end_bit > 8))
		return false;
	if (ref->codec != CODEC_DEFLATE_SPAN &&
	    (ref->start_bit != 0 || ref->end_bit > CHUNK_END_PREFIX))
		return false;
	return true;
}

int chunk_table_get(const struct chunk_table *table, uint32_t number,
		    struct chunk_ref *ret)
{
	struct chunk_ref ref;
	int r;

	if (number >= table->count)
		return -EINVAL;
	r = table->ops->get(table, number, &ref);
	if (r < 0)
		return r;
	if (!chunk_ref_is_sane(&ref))
		return -EBADMSG;
	*ret = ref;
	return 0;
}

int chunk_table_load_window(const struct chunk_table *table,
			    const struct chunk_ref *ref, void *ret_data)
{
	struct digest digest;
	int r;

	assert(ref->window_size > 0);
	r = table->ops->load_window(table, ref, ret_data);
	if (r < 0)
		return r;
	digest_compute(ret_data, ref->window_size, &digest);
	if (memcmp(digest.bytes, ref->window_digest,
		   CHUNK_WINDOW_DIGEST_SIZE) != 0)
		return -EBADMSG;
	return 0;
}

void chunk_ref_key(const struct chunk_ref *ref, struct digest *ret)
{
	uint8_t bytes[DIGEST_SIZE + 8 + CHUNK_WINDOW_DIGEST_SIZE] = { 0 };

	assert(!digest_is_zero(&ref->digest));
	memcpy(bytes, ref->digest.bytes, DIGEST_SIZE);
	bytes[DIGEST_SIZE] = (uint8_t)ref->codec;
	if (ref->codec == CODEC_DEFLATE_SPAN) {
		bytes[DIGEST_SIZE + 1] = ref->start_bit;
		bytes[DIGEST_SIZE + 2] = ref->end_bit;
	}
	le_store32(bytes + DIGEST_SIZE + 4, ref->raw_size);
	if (ref->window_size)
		memcpy(bytes + DIGEST_SIZE + 8, ref->window_digest,
		       CHUNK_WINDOW_DIGEST_SIZE);
	digest_compute(bytes, sizeof(bytes), ret);
}

bool chunk_table_get_key(const struct chunk_table *table,
			 const struct chunk_ref *ref, struct digest *ret)
{
	/* Longer than what chunk_ref_key() hashes, so never the same. */
	static const char what[] = "lazyrun chunk without a digest, version 1";
	uint8_t bytes[sizeof(what) + DIGEST_SIZE + 24] = { 0 };
	uint8_t *place = bytes + sizeof(what) + DIGEST_SIZE;

	if (!digest_is_zero(&ref->digest)) {
		chunk_ref_key(ref, ret);
		return true;
	}
	if (digest_is_zero(&table->identity) || ref->window_size > 0)
		return false;
	memcpy(bytes, what, sizeof(what));
	memcpy(bytes + sizeof(what), table->identity.bytes, DIGEST_SIZE);
	le_store64(place, ref->stored_off);
	le_store32(place + 8, ref->stored_size);
	le_store32(place + 12, ref->raw_size);
	le_store32(place + 16, ref->blob);
	place[20] = (uint8_t)ref->codec;
	place[21] = ref->start_bit;
	place[22] = ref->end_bit;
	digest_compute(bytes, sizeof(bytes), ret);
	return true;
}
