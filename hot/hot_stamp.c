/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Little-endian:
 *	 0  "LZHT"             4  version
 *	 8  kind              12  1 when ids are mapped
 *	16  index's hash      24  generation
 *	32  size              40  content size
 *	48  content count     56  inode count
 *	64  built (seconds)   72  building (milliseconds)
 *	80  id of the locks   88  XXH3-64 of all before
 */
#include "hot/hot_stamp.h"

#include "common/hash.h"
#include "common/le.h"
#include "hot/hot_folder.h"

#include <errno.h>
#include <string.h>

enum {
	VERSION = 2,
	HASH_OFF = HOT_STAMP_SIZE - 8,
};

static const char magic[4] = { 'L', 'Z', 'H', 'T' };

void hot_stamp_encode(const struct hot_stamp *stamp,
		      uint8_t ret[HOT_STAMP_SIZE])
{
	memset(ret, 0, HOT_STAMP_SIZE);
	memcpy(ret, magic, sizeof(magic));
	le_store32(ret + 4, VERSION);
	le_store32(ret + 8, stamp->kind);
	le_store32(ret + 12, stamp->maps_ids);
	le_store64(ret + 16, stamp->index_hash);
	le_store64(ret + 24, stamp->generation);
	le_store64(ret + 32, stamp->size);
	le_store64(ret + 40, stamp->content_size);
	le_store64(ret + 48, stamp->content_count);
	le_store64(ret + 56, stamp->inode_count);
	le_store64(ret + 64, (uint64_t)stamp->built_s);
	le_store64(ret + 72, stamp->build_ms);
	le_store64(ret + 80, stamp->locks_id);
	le_store64(ret + HASH_OFF, hash_xxh3(ret, HASH_OFF));
}

int hot_stamp_decode(const uint8_t *data, size_t size, struct hot_stamp *ret)
{
	uint32_t kind;
	uint64_t generation;

	if (size != HOT_STAMP_SIZE || memcmp(data, magic, sizeof(magic)) != 0 ||
	    le_load32(data + 4) != VERSION ||
	    le_load64(data + HASH_OFF) != hash_xxh3(data, HASH_OFF))
		return -EBADMSG;
	kind = le_load32(data + 8);
	generation = le_load64(data + 24);
	if ((kind != HOT_STAMP_PARTIAL && kind != HOT_STAMP_WHOLE) ||
	    generation < HOT_FOLDER_GENERATION_MIN ||
	    generation > HOT_FOLDER_GENERATION_MAX)
		return -EBADMSG;
	*ret = (struct hot_stamp){
		.kind = kind == HOT_STAMP_WHOLE ? HOT_STAMP_WHOLE
						: HOT_STAMP_PARTIAL,
		.maps_ids = le_load32(data + 12) != 0,
		.index_hash = le_load64(data + 16),
		.generation = generation,
		.size = le_load64(data + 32),
		.content_size = le_load64(data + 40),
		.content_count = le_load64(data + 48),
		.inode_count = le_load64(data + 56),
		.built_s = (int64_t)le_load64(data + 64),
		.build_ms = le_load64(data + 72),
		.locks_id = le_load64(data + 80),
	};
	return 0;
}
