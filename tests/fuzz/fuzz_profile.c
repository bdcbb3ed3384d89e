/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile from anybody: what is accepted is the same after a round trip, can
 * be merged, guessed from, and found in a table.
 *
 * The checksum is put right, so that the fuzzer gets past it.
 */
#include "fetch/profile.h"

#include "common/hash.h"
#include "common/le.h"
#include "fetch/chunk_touches.h"
#include "fetch/profile_chunks.h"
#include "fetch/profile_plan.h"
#include "tests/support/memory_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHUNK_SIZE = 1000, CHUNKS = 64 };

static void use(const struct profile *profile,
		const struct profile_entry *entries, uint32_t count)
{
	static const struct profile_plan_limits limits = { 4000, 100 };
	struct memory_table *table = memory_table_create(CHUNKS);
	struct chunk_touches *touches = chunk_touches_create(CHUNKS);
	uint32_t *blobs = calloc(profile->blob_count + 1, sizeof(*blobs));
	struct profile_plan_range *ranges = NULL;
	struct profile_chunk *chunks = NULL;
	uint32_t range_count = 0;
	uint32_t chunk_count = 0;

	for (uint32_t i = 0; i < CHUNKS; i++) {
		const struct chunk_ref ref = {
			.stored_off = (uint64_t)i * CHUNK_SIZE,
			.stored_size = CHUNK_SIZE,
		};

		memory_table_add(table, &ref);
	}
	assert(profile_chunks_find(entries, count, blobs, &table->table,
				   touches, &chunks, &chunk_count) == 0);
	assert(chunk_count <= CHUNKS);
	assert(profile_plan_make(&table->table, chunks, chunk_count, &limits,
				 &ranges, &range_count) == 0);
	assert(range_count <= chunk_count);
	free(ranges);
	free(chunks);
	free(blobs);
	chunk_touches_destroy(touches);
	memory_table_destroy(table);
}

static void check(struct profile *profile)
{
	struct profile again = { 0 };
	struct profile_entry *entries = NULL;
	uint8_t *bytes = NULL;
	uint32_t count = 0;
	size_t size = 0;

	assert(profile_encode(profile, &bytes, &size) == 0);
	assert(profile_decode(bytes, size, &again, NULL) == 0);
	assert(again.command_count == profile->command_count);
	for (uint32_t i = 0; i < again.command_count; i++)
		use(&again, again.commands[i].entries,
		    again.commands[i].entry_count);
	assert(profile_guess(&again, "python3 x", &entries, &count) == 0);
	use(&again, entries, count);
	assert(profile_merge(&again, profile) == 0);
	assert(again.command_count == profile->command_count);
	free(entries);
	free(bytes);
	profile_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile profile = { 0 };
	uint8_t *copy = malloc(size + 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (size >= 8)
		le_store64(copy + size - 8, hash_xxh3(copy, size - 8));
	if (profile_decode(copy, size, &profile, NULL) == 0) {
		check(&profile);
		profile_fini(&profile);
	}
	free(copy);
	return 0;
}
