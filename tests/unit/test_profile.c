/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/profile.h"

#include "common/error.h"
#include "common/hash.h"
#include "common/le.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct digest image = { { 1 } };
static const struct digest blobs[] = { { { 2 } }, { { 3 } } };
static struct profile profile;

static void setup(void)
{
	cr_assert_eq(profile_init(&profile, &image, blobs, 2), 0);
}

static void teardown(void)
{
	profile_fini(&profile);
}

TestSuite(profile, .init = setup, .fini = teardown);

/* A run that read @count ranges from number @first on, one a millisecond. */
static void run(const char *key, uint32_t first, uint32_t count,
		bool is_partial)
{
	static int64_t now_s = 1000;
	struct profile_entry *entries = calloc(count + 1, sizeof(*entries));

	for (uint32_t i = 0; i < count; i++)
		entries[i] = (struct profile_entry){
			.blob = 1,
			.off = (uint64_t)(first + i) * 100,
			.size = 100,
			.first_ms = i,
		};
	cr_assert_eq(profile_add_run(&profile, key, ++now_s, entries, count,
				     is_partial),
		     0);
	free(entries);
}

static bool knows(const struct profile_entry *entries, uint32_t count,
		  uint32_t number)
{
	for (uint32_t i = 0; i < count; i++)
		if (entries[i].off == (uint64_t)number * 100)
			return true;
	return false;
}

static const struct profile_command *get(const char *key)
{
	const struct profile_command *command = profile_find(&profile, key);

	cr_assert_not_null(command, "%s", key);
	for (uint32_t i = 1; i < command->entry_count; i++)
		cr_expect_leq(command->entries[i - 1].first_ms,
			      command->entries[i].first_ms);
	return command;
}

static void expect_known(const char *key, uint32_t number, bool is_known)
{
	const struct profile_command *command = get(key);

	cr_expect_eq(knows(command->entries, command->entry_count, number),
		     is_known, "%s, range %u", key, number);
}

Test(profile, merges_runs)
{
	run("a", 10, 5, false);
	run("a", 12, 5, false);
	cr_expect_eq(get("a")->runs, 2);
	cr_expect_eq(get("a")->entry_count, 7);
	cr_expect_eq(get("a")->entries[0].first_ms, 0);
	/* 12 was first read after 2 ms, then at once: the least counts */
	for (uint32_t i = 0; i < 7; i++) {
		const struct profile_entry *entry = &get("a")->entries[i];

		if (entry->off != 1200)
			continue;
		cr_expect_eq(entry->first_ms, 0);
		cr_expect_eq(entry->seen, 2);
	}
}

Test(profile, forgets_what_is_no_longer_read)
{
	run("a", 0, 4, false);
	for (int i = 0; i < PROFILE_MISSED_MAX; i++) {
		expect_known("a", 0, true);
		run("a", 2, 4, false);
	}
	expect_known("a", 0, false);
	expect_known("a", 2, true);
	expect_known("a", 5, true);
}

Test(profile, holds_nothing_against_what_may_have_been_read_unseen)
{
	run("a", 0, 4, false);
	for (int i = 0; i < 3 * PROFILE_MISSED_MAX; i++)
		run("a", 2, 4, true);
	expect_known("a", 0, true);
}

Test(profile, forgets_the_command_run_longest_ago)
{
	char key[16];

	for (int i = 0; i < PROFILE_COMMANDS_MAX; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		run(key, 0, 1, false);
	}
	run("key 0", 0, 1, false);
	run("new", 0, 1, false);
	cr_expect_eq(profile.command_count, PROFILE_COMMANDS_MAX);
	cr_expect_null(profile_find(&profile, "key 1"));
	cr_expect_not_null(profile_find(&profile, "key 0"));
	cr_expect_not_null(profile_find(&profile, "new"));
}

Test(profile, keeps_the_first_of_too_many)
{
	run("a", 0, PROFILE_ENTRIES_MAX + 10, false);
	cr_expect_eq(get("a")->entry_count, PROFILE_ENTRIES_MAX);
	expect_known("a", 0, true);
	expect_known("a", PROFILE_ENTRIES_MAX + 5, false);
}

Test(profile, is_the_same_after_a_round_trip)
{
	struct profile again = { 0 };
	uint8_t *bytes = NULL;
	uint8_t *second = NULL;
	struct error err = { 0 };
	size_t size = 0;
	size_t second_size = 0;

	run("python3 -c import x", 0, 40, false);
	run("bash", 5, 3, false);
	cr_assert_eq(profile_encode(&profile, &bytes, &size), 0);
	cr_assert_eq(profile_decode(bytes, size, &again, &err), 0, "%s",
		     err.text);
	cr_expect(digest_equal(&again.image, &image));
	cr_expect_eq(again.command_count, 2);
	cr_expect_str_eq(again.commands[1].key, "bash");
	cr_expect_eq(again.commands[1].entries[2].off, 700);
	cr_assert_eq(profile_encode(&again, &second, &second_size), 0);
	cr_assert_eq(second_size, size);
	cr_expect_eq(memcmp(bytes, second, size), 0);
	profile_fini(&again);
	free(bytes);
	free(second);
}

Test(profile, refuses_every_flipped_bit_and_every_cut)
{
	struct profile again = { 0 };
	uint8_t *bytes = NULL;
	size_t size = 0;

	run("a", 0, 3, false);
	cr_assert_eq(profile_encode(&profile, &bytes, &size), 0);
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 4;
		cr_expect_lt(profile_decode(bytes, size, &again, NULL), 0,
			     "byte %zu", i);
		bytes[i] ^= 4;
		cr_expect_lt(profile_decode(bytes, i, &again, NULL), 0,
			     "cut at %zu", i);
	}
	free(bytes);
}

/* Offsets in a profile of two blobs: docs/profile-format.md. */
enum { COMMAND_OFF = 64 + 2 * 32, ENTRY_OFF = COMMAND_OFF + 144 };

Test(profile, refuses_nonsense_with_a_right_checksum)
{
	static const struct {
		const char *label;
		size_t off;
		uint8_t value;
	} cases[] = {
		{ "a key that is empty", COMMAND_OFF, 0 },
		{ "a key with a control character", COMMAND_OFF, '\n' },
		{ "bytes behind the key", COMMAND_OFF + 100, 1 },
		{ "more entries than there are", COMMAND_OFF + 140, 200 },
		{ "fewer entries than there are", COMMAND_OFF + 140, 1 },
		{ "a range of no bytes", ENTRY_OFF + 8, 0 },
		{ "a range beyond all files", ENTRY_OFF + 7, 0xff },
		{ "a blob that is not there", ENTRY_OFF + 16, 2 },
		{ "never seen", ENTRY_OFF + 18, 0 },
		{ "missed too often", ENTRY_OFF + 20, PROFILE_MISSED_MAX },
		{ "reserved bytes", ENTRY_OFF + 22, 1 },
		{ "out of order", ENTRY_OFF + 12, 9 },
		{ "another major version", 8, 2 },
		{ "too many commands", 28, PROFILE_COMMANDS_MAX + 1 },
	};
	struct profile again = { 0 };
	uint8_t *bytes = NULL;
	size_t size = 0;

	run("a", 0, 3, false);
	cr_assert_eq(profile_encode(&profile, &bytes, &size), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t old = bytes[cases[i].off];
		int r;

		bytes[cases[i].off] = cases[i].value;
		le_store64(bytes + size - 8, hash_xxh3(bytes, size - 8));
		r = profile_decode(bytes, size, &again, NULL);
		cr_expect(r == -EBADMSG || r == -ENOTSUP, "case: %s: %d",
			  cases[i].label, r);
		bytes[cases[i].off] = old;
	}
	le_store64(bytes + size - 8, hash_xxh3(bytes, size - 8));
	cr_expect_eq(profile_decode(bytes, size, &again, NULL), 0);
	profile_fini(&again);
	free(bytes);
}

Test(profile, takes_over_what_another_knows_better)
{
	struct profile other = profile;

	run("a", 0, 3, false);
	run("a", 0, 3, false);
	run("b", 0, 3, false);
	other = profile;
	cr_assert_eq(profile_init(&profile, &image, blobs, 2), 0);
	run("a", 50, 3, false);
	run("b", 50, 3, false);
	cr_assert_eq(profile_merge(&profile, &other), 0);
	expect_known("a", 0, true);
	expect_known("a", 50, false);
	expect_known("b", 50, true);
	profile_fini(&other);
	cr_assert_eq(profile_init(&other, &image, blobs, 1), 0);
	cr_expect_eq(profile_merge(&profile, &other), -EINVAL);
	profile_fini(&other);
}

static void expect_guess(const char *key, uint32_t number, bool is_known)
{
	struct profile_entry *entries = NULL;
	uint32_t count = 0;

	cr_assert_eq(profile_guess(&profile, key, &entries, &count), 0);
	cr_expect_eq(knows(entries, count, number), is_known,
		     "%s, range %u of %u", key, number, count);
	free(entries);
}

Test(profile, guesses_from_the_same_program)
{
	run("python3 -c import a", 0, 10, false);
	run("python3 -c import b", 5, 10, false);
	run("python3 -c import c", 5, 20, false);
	run("bash", 100, 5, false);
	expect_guess("python3 x.py", 7, true);
	expect_guess("python3 x.py", 12, true);
	expect_guess("python3 x.py", 2, false);
	expect_guess("python3 x.py", 20, false);
	expect_guess("python3 x.py", 101, false);
	expect_guess("python3.9 x.py", 2, false);
}

Test(profile, guesses_from_all_when_there_are_some)
{
	run("bash", 0, 5, false);
	expect_guess("perl", 0, false);
	run("python3", 2, 5, false);
	expect_guess("perl", 3, true);
}
