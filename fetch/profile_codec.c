/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/profile-format.md: a header, the blobs' digests, each command with its
 * entries, and XXH3-64 over all of it.
 */
#include "fetch/profile.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/le.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAJOR = 1,
	HEADER_SIZE = 64,
	COMMAND_SIZE = PROFILE_KEY_SIZE + 16,
	ENTRY_SIZE = 24,
	TAIL_SIZE = 8,
};

static const char magic[8] = "LZYPRF\r\n";

/* -- encoding */

static size_t encoded_size(const struct profile *profile)
{
	size_t size = HEADER_SIZE + TAIL_SIZE +
		      (size_t)profile->blob_count * DIGEST_SIZE;

	for (uint32_t i = 0; i < profile->command_count; i++)
		size += COMMAND_SIZE +
			(size_t)profile->commands[i].entry_count * ENTRY_SIZE;
	return size;
}

static uint8_t *encode_command(const struct profile_command *command,
			       uint8_t *p)
{
	memcpy(p, command->key, PROFILE_KEY_SIZE);
	le_store64(p + PROFILE_KEY_SIZE, (uint64_t)command->used_s);
	le_store32(p + PROFILE_KEY_SIZE + 8, command->runs);
	le_store32(p + PROFILE_KEY_SIZE + 12, command->entry_count);
	p += COMMAND_SIZE;
	for (uint32_t i = 0; i < command->entry_count; i++, p += ENTRY_SIZE) {
		const struct profile_entry *entry = &command->entries[i];

		le_store64(p, entry->off);
		le_store32(p + 8, entry->size);
		le_store32(p + 12, entry->first_ms);
		le_store16(p + 16, entry->blob);
		le_store16(p + 18, entry->seen);
		le_store16(p + 20, entry->missed);
		le_store16(p + 22, 0);
	}
	return p;
}

int profile_encode(const struct profile *profile, uint8_t **ret,
		   size_t *ret_size)
{
	size_t size = encoded_size(profile);
	uint8_t *data = calloc(1, size);
	uint8_t *p = data;

	assert(size <= PROFILE_SIZE_MAX);
	if (!data)
		return -ENOMEM;
	memcpy(p, magic, sizeof(magic));
	le_store16(p + 8, MAJOR);
	le_store64(p + 16, size);
	le_store32(p + 24, profile->blob_count);
	le_store32(p + 28, profile->command_count);
	memcpy(p + 32, profile->image.bytes, DIGEST_SIZE);
	p += HEADER_SIZE;
	for (uint32_t i = 0; i < profile->blob_count; i++, p += DIGEST_SIZE)
		memcpy(p, profile->blobs[i].bytes, DIGEST_SIZE);
	for (uint32_t i = 0; i < profile->command_count; i++)
		p = encode_command(&profile->commands[i], p);
	le_store64(p, hash_xxh3(data, size - TAIL_SIZE));
	assert(p + TAIL_SIZE == data + size);
	*ret = data;
	*ret_size = size;
	return 0;
}

/* -- decoding: @p to @end is what is left */

struct rest {
	const uint8_t *p;
	const uint8_t *end;
};

static const uint8_t *take(struct rest *rest, size_t count, size_t size)
{
	const uint8_t *p = rest->p;

	/* both are bounded before: no overflow */
	if ((size_t)(rest->end - p) < count * size)
		return NULL;
	rest->p += count * size;
	return p;
}

static int damaged(struct error *err)
{
	return error_set(err, -EBADMSG,
			 "the profile is damaged; remove it, and the next run "
			 "makes a new one");
}

static bool is_key(const uint8_t *key)
{
	size_t size = strnlen((const char *)key, PROFILE_KEY_SIZE);

	if (size == 0 || size == PROFILE_KEY_SIZE)
		return false;
	for (size_t i = 0; i < size; i++)
		if (key[i] < ' ' || key[i] > '~')
			return false;
	for (size_t i = size; i < PROFILE_KEY_SIZE; i++)
		if (key[i])
			return false;
	return true;
}

static int decode_entry(const uint8_t *p, uint32_t blob_count,
			struct profile_entry *ret, struct error *err)
{
	ret->off = le_load64(p);
	ret->size = le_load32(p + 8);
	ret->first_ms = le_load32(p + 12);
	ret->blob = le_load16(p + 16);
	ret->seen = le_load16(p + 18);
	ret->missed = le_load16(p + 20);
	if (ret->blob >= blob_count || ret->size == 0 || ret->seen == 0 ||
	    ret->missed >= PROFILE_MISSED_MAX || le_load16(p + 22) != 0 ||
	    !le_range_fits(ret->off, ret->size, INT64_MAX))
		return damaged(err);
	return 0;
}

static int decode_command(struct rest *rest, struct profile *profile,
			  struct error *err)
{
	struct profile_command *command =
		&profile->commands[profile->command_count];
	const uint8_t *p = take(rest, 1, COMMAND_SIZE);
	uint32_t count;
	int r = 0;

	if (!p || !is_key(p) || profile_find(profile, (const char *)p))
		return damaged(err);
	count = le_load32(p + PROFILE_KEY_SIZE + 12);
	if (count > PROFILE_ENTRIES_MAX)
		return damaged(err);
	memcpy(command->key, p, PROFILE_KEY_SIZE);
	command->used_s = (int64_t)le_load64(p + PROFILE_KEY_SIZE);
	command->runs = le_load32(p + PROFILE_KEY_SIZE + 8);
	p = take(rest, count, ENTRY_SIZE);
	if (!p)
		return damaged(err);
	command->entries = calloc((size_t)count + 1, sizeof(*command->entries));
	if (!command->entries)
		return error_set(err, -ENOMEM, "out of memory");
	command->entry_count = count;
	profile->command_count++;
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		r = decode_entry(p + (size_t)i * ENTRY_SIZE,
				 profile->blob_count, &command->entries[i],
				 err);
		if (r == 0 && i > 0 &&
		    command->entries[i].first_ms <
			    command->entries[i - 1].first_ms)
			r = damaged(err);
	}
	return r;
}

static int decode_content(struct rest *rest, uint32_t blob_count,
			  uint32_t command_count, struct profile *profile,
			  struct error *err)
{
	const uint8_t *p;
	int r = 0;

	if (blob_count > PROFILE_BLOBS_MAX ||
	    command_count > PROFILE_COMMANDS_MAX)
		return damaged(err);
	p = take(rest, blob_count, DIGEST_SIZE);
	if (!p)
		return damaged(err);
	profile->blobs = calloc((size_t)blob_count + 1, sizeof(struct digest));
	if (!profile->blobs)
		return error_set(err, -ENOMEM, "out of memory");
	memcpy(profile->blobs, p, (size_t)blob_count * DIGEST_SIZE);
	profile->blob_count = blob_count;
	while (r == 0 && profile->command_count < command_count)
		r = decode_command(rest, profile, err);
	if (r == 0 && rest->p != rest->end)
		r = damaged(err);
	return r;
}

int profile_decode(const void *data, size_t size, struct profile *ret,
		   struct error *err)
{
	struct profile profile = { 0 };
	const uint8_t *p = data;
	struct rest rest;
	int r;

	if (size > PROFILE_SIZE_MAX)
		return error_set(err, -EFBIG,
				 "a profile of %zu bytes: more "
				 "than any has",
				 size);
	if (size < HEADER_SIZE + TAIL_SIZE ||
	    memcmp(p, magic, sizeof(magic)) != 0)
		return error_set(err, -EBADMSG, "this is no lazyrun profile");
	if (le_load16(p + 8) != MAJOR)
		return error_set(err, -ENOTSUP,
				 "the profile has format version %u, this "
				 "lazyrun reads %d",
				 le_load16(p + 8), MAJOR);
	rest.p = p + HEADER_SIZE;
	rest.end = p + size - TAIL_SIZE;
	if (le_load64(p + 16) != size ||
	    le_load64(rest.end) != hash_xxh3(p, size - TAIL_SIZE))
		return damaged(err);
	memcpy(profile.image.bytes, p + 32, DIGEST_SIZE);
	r = decode_content(&rest, le_load32(p + 24), le_load32(p + 28),
			   &profile, err);
	if (r < 0) {
		profile_fini(&profile);
		return r;
	}
	*ret = profile;
	return 0;
}
