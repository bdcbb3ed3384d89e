/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/profile.h"

#include "common/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int profile_init(struct profile *profile, const struct digest *image,
		 const struct digest *blobs, uint32_t blob_count)
{
	assert(blob_count <= PROFILE_BLOBS_MAX);
	*profile = (struct profile){ .image = *image };
	profile->blobs = calloc(blob_count + 1, sizeof(*blobs));
	if (!profile->blobs)
		return -ENOMEM;
	for (uint32_t i = 0; i < blob_count; i++)
		profile->blobs[i] = blobs[i];
	profile->blob_count = blob_count;
	return 0;
}

void profile_fini(struct profile *profile)
{
	for (uint32_t i = 0; i < profile->command_count; i++)
		free(profile->commands[i].entries);
	free(profile->blobs);
	*profile = (struct profile){ 0 };
}

static int compare_places(const void *a, const void *b)
{
	const struct profile_entry *x = a;
	const struct profile_entry *y = b;

	if (x->blob != y->blob)
		return x->blob < y->blob ? -1 : 1;
	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return (x->size > y->size) - (x->size < y->size);
}

static int compare_times(const void *a, const void *b)
{
	const struct profile_entry *x = a;
	const struct profile_entry *y = b;

	if (x->first_ms != y->first_ms)
		return x->first_ms < y->first_ms ? -1 : 1;
	return compare_places(a, b);
}

static void sort_by_place(struct profile_entry *entries, uint32_t count)
{
	if (count > 1)
		qsort(entries, count, sizeof(*entries), compare_places);
}

static void sort_by_time(struct profile_entry *entries, uint32_t count)
{
	if (count > 1)
		qsort(entries, count, sizeof(*entries), compare_times);
}

static struct profile_command *find_command(struct profile *profile,
					    const char *key)
{
	for (uint32_t i = 0; i < profile->command_count; i++)
		if (strcmp(profile->commands[i].key, key) == 0)
			return &profile->commands[i];
	return NULL;
}

const struct profile_command *profile_find(const struct profile *profile,
					   const char *key)
{
	return find_command((struct profile *)profile, key);
}

/* A place for one more command, the least recently run one's if need be. */
static struct profile_command *take_command(struct profile *profile)
{
	struct profile_command *oldest = &profile->commands[0];

	if (profile->command_count < PROFILE_COMMANDS_MAX)
		return &profile->commands[profile->command_count++];
	for (uint32_t i = 1; i < profile->command_count; i++)
		if (profile->commands[i].used_s < oldest->used_s)
			oldest = &profile->commands[i];
	free(oldest->entries);
	*oldest = (struct profile_command){ 0 };
	return oldest;
}

static void add_read(struct profile_entry *into, const struct profile_entry *e)
{
	into->missed = 0;
	if (into->seen < UINT16_MAX)
		into->seen++;
	if (e->first_ms < into->first_ms)
		into->first_ms = e->first_ms;
}

/* Both by place, without doubles; @ret has room for all of both. */
static uint32_t merge_entries(const struct profile_command *command,
			      const struct profile_entry *run, uint32_t count,
			      bool is_partial, struct profile_entry *ret)
{
	const struct profile_entry *old = command->entries;
	uint32_t made = 0;
	uint32_t i = 0;
	uint32_t j = 0;

	while (i < command->entry_count || j < count) {
		int order = i == command->entry_count ? 1
			    : j == count	      ? -1
					 : compare_places(&old[i], &run[j]);

		if (order <= 0) {
			ret[made] = old[i++];
			if (order == 0)
				add_read(&ret[made], &run[j++]);
			else if (!is_partial)
				ret[made].missed++;
			if (ret[made].missed < PROFILE_MISSED_MAX)
				made++;
		} else {
			ret[made] = run[j++];
			ret[made].seen = 1;
			ret[made++].missed = 0;
		}
	}
	return made;
}

static uint32_t drop_doubles(struct profile_entry *entries, uint32_t count)
{
	uint32_t made = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (made > 0 &&
		    compare_places(&entries[made - 1], &entries[i]) == 0) {
			if (entries[i].first_ms < entries[made - 1].first_ms)
				entries[made - 1] = entries[i];
			continue;
		}
		entries[made++] = entries[i];
	}
	return made;
}

int profile_add_run(struct profile *profile, const char *key, int64_t now_s,
		    struct profile_entry *entries, uint32_t count,
		    bool is_partial)
{
	static const struct profile_command none;
	struct profile_command *command = find_command(profile, key);
	autofree struct profile_entry *merged = NULL;
	size_t room = (size_t)count + (command ? command->entry_count : 0) + 1;
	uint32_t made;

	assert(strlen(key) < PROFILE_KEY_SIZE);
	merged = calloc(room, sizeof(*merged));
	if (!merged)
		return -ENOMEM;
	sort_by_place(entries, count);
	count = drop_doubles(entries, count);
	if (command)
		sort_by_place(command->entries, command->entry_count);
	made = merge_entries(command ? command : &none, entries, count,
			     is_partial, merged);
	sort_by_time(merged, made);
	if (made > PROFILE_ENTRIES_MAX)
		made = PROFILE_ENTRIES_MAX;
	if (!command) {
		command = take_command(profile);
		memcpy(command->key, key, strlen(key) + 1);
	}
	free(command->entries);
	command->entries = STEAL_PTR(merged);
	command->entry_count = made;
	command->used_s = now_s;
	if (command->runs < UINT32_MAX)
		command->runs++;
	return 0;
}

static int copy_command(struct profile_command *into,
			const struct profile_command *from)
{
	struct profile_entry *entries =
		calloc(from->entry_count + 1, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	if (from->entry_count)
		memcpy(entries, from->entries,
		       from->entry_count * sizeof(*entries));
	free(into->entries);
	*into = *from;
	into->entries = entries;
	return 0;
}

int profile_merge(struct profile *profile, const struct profile *other)
{
	int r = 0;

	if (profile->blob_count != other->blob_count)
		return -EINVAL;
	for (uint32_t i = 0; i < profile->blob_count; i++)
		if (!digest_equal(&profile->blobs[i], &other->blobs[i]))
			return -EINVAL;
	for (uint32_t i = 0; r == 0 && i < other->command_count; i++) {
		const struct profile_command *from = &other->commands[i];
		struct profile_command *into = find_command(profile, from->key);

		if (into && into->runs >= from->runs)
			continue;
		r = copy_command(into ? into : take_command(profile), from);
	}
	return r;
}

/* -- of a command that is not known */

static bool is_same_program(const char *a, const char *b)
{
	size_t size = strcspn(a, " ");

	return strcspn(b, " ") == size && memcmp(a, b, size) == 0;
}

/* Adds up @count entries that are by place, each with how many commands have
 * it as its .seen; keeps those that @needed have. */
static uint32_t keep_common(struct profile_entry *entries, uint32_t count,
			    uint32_t needed)
{
	uint32_t made = 0;
	uint32_t end;

	for (uint32_t i = 0; i < count; i = end) {
		struct profile_entry first = entries[i];

		for (end = i + 1;
		     end < count && compare_places(&entries[end], &first) == 0;
		     end++)
			if (entries[end].first_ms < first.first_ms)
				first.first_ms = entries[end].first_ms;
		if (end - i >= needed)
			entries[made++] = first;
	}
	return made;
}

int profile_guess(const struct profile *profile, const char *key,
		  struct profile_entry **ret, uint32_t *ret_count)
{
	bool is_program = false;
	struct profile_entry *entries;
	uint32_t commands = 0;
	size_t room = 1;
	uint32_t count = 0;

	for (uint32_t i = 0; i < profile->command_count; i++) {
		room += profile->commands[i].entry_count;
		is_program |= is_same_program(profile->commands[i].key, key);
	}
	entries = calloc(room, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < profile->command_count; i++) {
		const struct profile_command *command = &profile->commands[i];

		if (is_program && !is_same_program(command->key, key))
			continue;
		commands++;
		memcpy(entries + count, command->entries,
		       command->entry_count * sizeof(*entries));
		count += command->entry_count;
	}
	if (!is_program && commands < 2)
		count = 0;
	sort_by_place(entries, count);
	count = keep_common(entries, count, (commands + 1) / 2);
	sort_by_time(entries, count);
	if (count > PROFILE_ENTRIES_MAX)
		count = PROFILE_ENTRIES_MAX;
	*ret = entries;
	*ret_count = count;
	return 0;
}
