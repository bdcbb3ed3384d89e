/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_facts.h"

#include "index/entry_list.h"
#include "index/hint_fact.h"
#include "index/index_writer.h"
#include "index/squashfs_lister.h"
#include "index/tree.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Blocks of an image that lie in the order of their numbers. */
static struct squashfs_listing listing;
static const char *texts[64];
static uint32_t text_count;

static void setup(void)
{
	listing.entries = entry_list_create(1 << 24);
	cr_assert(listing.entries);
	squashfs_blocks_init(&listing.blocks);
	text_count = 0;
}

static void teardown(void)
{
	squashfs_listing_fini(&listing);
}

TestSuite(squashfs_facts, .init = setup, .fini = teardown);

static uint32_t add_block(const char *text)
{
	const struct squashfs_block block = {
		.stored_off = 96 + 1000 * text_count,
		.stored_size = (uint32_t)strlen(text),
		.raw_size = (uint32_t)strlen(text),
	};
	uint32_t number;

	cr_assert_eq(squashfs_blocks_add(&listing.blocks, &block, &number), 0);
	texts[text_count++] = text;
	return number;
}

/* A file of parts, each @parts[i].size bytes from raw_off on in a block. */
static void add_file(const char *path, struct tree_extent *parts, size_t count)
{
	struct tree_entry entry = {
		.path = path,
		.mode = S_IFREG | 0644,
		.extents = parts,
		.extent_count = count,
	};

	for (size_t i = 0; i < count; i++) {
		parts[i].file_off = entry.size;
		entry.size += parts[i].size;
	}
	cr_assert_eq(entry_list_add(listing.entries, &entry), 0);
}

static struct tree_extent part(uint32_t block, uint32_t off, uint64_t size)
{
	return (struct tree_extent){
		.size = size,
		.raw_off = (uint64_t)block << SQUASHFS_LISTER_OFF_BITS | off,
	};
}

static struct squashfs_facts *feed_all(void)
{
	struct index_writer_chunk *chunks = NULL;
	struct squashfs_facts *facts = NULL;
	uint64_t raw_size;
	uint32_t count;

	cr_assert_eq(squashfs_blocks_arrange(&listing.blocks, 0, CODEC_ZLIB,
					     &chunks, &count, &raw_size),
		     0);
	cr_assert_eq(count, text_count);
	cr_assert_eq(squashfs_facts_create(&listing, &facts), 0);
	for (uint32_t i = 0; i < count; i++)
		cr_assert_eq(
			squashfs_facts_feed(facts, texts[i], strlen(texts[i])),
			0);
	free(chunks);
	return facts;
}

/* The facts of an entry: "KIND:text" each. */
static const char *facts_of(const struct squashfs_facts *facts, uint64_t number)
{
	static char ret[4096];
	struct hint_fact fact;
	size_t size = 0;
	size_t off = 0;
	const uint8_t *bytes = squashfs_facts_find(facts, number, &size);

	ret[0] = '\0';
	while (bytes && hint_fact_next(bytes, size, &off, &fact))
		snprintf(ret + strlen(ret), sizeof(ret) - strlen(ret),
			 "%d:%.*s|", fact.kind, (int)fact.size, fact.data);
	return ret;
}

Test(squashfs_facts, finds_files_within_a_fragment)
{
	uint32_t block = add_block("#! /bin/sh\nimport a\n....no facts");
	struct tree_extent script = part(block, 0, 11);
	struct tree_extent source = part(block, 11, 9);
	struct tree_extent other = part(block, 20, 12);
	struct tree_extent again = part(block, 11, 9);
	struct squashfs_facts *facts;

	add_file("bin/run", &script, 1);
	add_file("lib/other", &other, 1);
	add_file("lib/mod.py", &source, 1);
	add_file("lib/copy.py", &again, 1);
	facts = feed_all();
	cr_expect_str_eq(facts_of(facts, 0), "6:/bin/sh|");
	cr_expect_str_eq(facts_of(facts, 1), "");
	cr_expect_str_eq(facts_of(facts, 2), "1:mod|2:a|");
	cr_expect_str_eq(facts_of(facts, 3), "1:copy|2:a|");
	squashfs_facts_destroy(facts);
}

Test(squashfs_facts, follows_a_file_over_blocks_to_its_tail_in_a_fragment)
{
	uint32_t a = add_block("import on");
	uint32_t other = add_block("import between\n");
	uint32_t b = add_block("e\nimport two\n");
	uint32_t fragment = add_block("before it:import three\n");
	struct tree_extent parts[] = { part(a, 0, 9), part(b, 0, 13),
				       part(fragment, 10, 13) };
	struct tree_extent between = part(other, 0, 15);
	struct squashfs_facts *facts;

	add_file("lib/long.py", parts, 3);
	add_file("lib/short.py", &between, 1);
	facts = feed_all();
	cr_expect_str_eq(facts_of(facts, 0), "1:long|2:one|2:two|2:three|");
	cr_expect_str_eq(facts_of(facts, 1), "1:short|2:between|");
	squashfs_facts_destroy(facts);
}

Test(squashfs_facts, leaves_a_file_whose_blocks_lie_in_another_order)
{
	uint32_t second = add_block("import two\n");
	uint32_t first = add_block("import one\n");
	struct tree_extent parts[] = { part(first, 0, 11),
				       part(second, 0, 11) };
	struct squashfs_facts *facts;

	add_file("lib/mod.py", parts, 2);
	facts = feed_all();
	cr_expect_str_eq(facts_of(facts, 0), "");
	squashfs_facts_destroy(facts);
}

Test(squashfs_facts, gives_up_the_file_begun_first_when_too_many_are_open)
{
	enum { COUNT = SQUASHFS_FACTS_OPEN_MAX + 1 };
	uint32_t starts[COUNT];
	uint32_t end;
	struct squashfs_facts *facts;

	for (size_t i = 0; i < COUNT; i++)
		starts[i] = add_block("import on");
	end = add_block("e\n");
	for (size_t i = 0; i < COUNT; i++) {
		struct tree_extent parts[] = { part(starts[i], 0, 9),
					       part(end, 0, 2) };

		add_file("lib/mod.py", parts, 2);
	}
	facts = feed_all();
	cr_expect_str_eq(facts_of(facts, 0), "");
	for (size_t i = 1; i < COUNT; i++)
		cr_expect_str_eq(facts_of(facts, i), "1:mod|2:one|");
	squashfs_facts_destroy(facts);
}

Test(squashfs_facts, has_nothing_of_an_image_without_data)
{
	struct squashfs_facts *facts;

	add_file("lib/mod.py", NULL, 0);
	facts = feed_all();
	cr_expect_str_eq(facts_of(facts, 0), "");
	squashfs_facts_destroy(facts);
}
