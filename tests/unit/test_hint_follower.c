/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/hint_follower.h"

#include "fetch/chunk_touches.h"
#include "index/hint_closure.h"
#include "index/hint_table.h"
#include "index/index_file.h"
#include "tests/support/fs_test_image.h"
#include "tests/support/index_maker.h"
#include "tests/support/loader_fixture.h"
#include "tests/support/python_image.h"

static struct index_maker *maker;
static struct index_file *image;
static struct hint_table hints;
static struct hint_closure *closure;
static struct chunk_touches *touches;
static struct hint_follower *follower;

/* The image's four chunks are the first of the loader's. */
static void setup(void)
{
	struct chunk_loader_options options = small;
	struct index_figures figures;
	const uint8_t *bytes;
	size_t size;

	loader_setup();
	touches = chunk_touches_create(CHUNKS);
	options.touches = touches;
	loader = create(cache, &options);
	maker = index_maker_create();
	index_maker_begin_layer(maker);
	python_image_add(maker);
	image = index_maker_open(maker);
	index_file_get_figures(image, &figures);
	bytes = index_file_hints(image, &size);
	cr_assert_eq(hint_table_decode(bytes, size, figures.inode_count, &hints,
				       NULL),
		     0);
	closure = hint_closure_create(image, &hints);
	cr_assert_eq(hint_follower_create(closure, loader, touches,
					  figures.inode_count, &follower),
		     0);
}

static void teardown(void)
{
	hint_follower_destroy(follower);
	hint_closure_destroy(closure);
	hint_table_fini(&hints);
	index_maker_destroy(maker);
	loader_teardown();
	chunk_touches_destroy(touches);
}

TestSuite(hint_follower, .init = setup, .fini = teardown);

static uint32_t inode_of(const char *path)
{
	uint32_t inode;

	cr_assert_eq(index_file_resolve(image, path, true, &inode), 0);
	return inode;
}

static struct hint_follower_figures figures(void)
{
	struct hint_follower_figures ret;

	hint_follower_get_figures(follower, &ret);
	return ret;
}

/* Until so many files have been followed in all. */
static void await_files(uint32_t count)
{
	int64_t until_ms = clock_ms() + WAIT_MS;

	while (figures().files < count && clock_ms() < until_ms)
		usleep(200);
	cr_assert_eq(figures().files, count);
}

Test(hint_follower, asks_for_what_a_file_needs_when_it_is_read)
{
	hint_follower_observe(follower,
			      inode_of("/usr/lib/x86_64-linux-gnu/libz.so.1"));
	await_cached(1);
	await_cached(2);
	await_files(3);
	cr_expect_eq(figures().chunks, 2);
	cr_expect(chunk_touches_is_expected(touches, 1));
	cr_expect_not(chunk_touches_is_expected(touches, 0));
	cr_expect_eq(counters().fetched_ranges, 1, "neighbours are one range");
}

Test(hint_follower, follows_a_file_once)
{
	uint32_t inode = inode_of("/usr/bin/sh");

	for (int i = 0; i < 3; i++)
		hint_follower_observe(follower, inode);
	await_files(1);
	hint_follower_observe(follower, inode);
	hint_follower_observe(follower, inode_of("/opt/lib/libopt.so"));
	await_files(2);
	cr_expect_eq(figures().chunks, 2);
}

Test(hint_follower, leaves_out_what_was_read_or_is_there)
{
	expect_get(2);
	await_cached(2);
	chunk_touches_note(touches, 1);
	hint_follower_observe(follower,
			      inode_of("/usr/lib/x86_64-linux-gnu/libz.so.1"));
	await_files(3);
	cr_expect_eq(figures().chunks, 0);
}

Test(hint_follower, passes_over_what_is_no_file)
{
	hint_follower_observe(follower, 0);
	hint_follower_observe(follower, UINT32_MAX);
	hint_follower_observe(follower, inode_of("/usr/bin"));
	hint_follower_observe(follower, inode_of("/usr/bin/sh"));
	await_files(1);
	cr_expect_not(figures().has_misled);
}

/* -- an image of large files, each so many chunks, and no hints: a file that
 * is read is asked for whole */

enum {
	LARGE_CHUNKS = 80,
	LARGE_SIZE = LARGE_CHUNKS * FS_TEST_IMAGE_CHUNK_SIZE,
};

static struct fs_test_image *large;

static void large_setup(void)
{
	static const char *const names[] = { "a", "b", "c" };
	uint8_t *data = malloc(LARGE_SIZE);
	struct index_figures figures;

	large = fs_test_image_create();
	for (uint32_t i = 0; i < 3; i++) {
		fs_test_image_fill(data, LARGE_SIZE, i);
		fs_test_image_add_file(large, names[i], data, LARGE_SIZE);
	}
	free(data);
	fs_test_image_open(large);
	image = large->index;
	index_file_get_figures(image, &figures);
	touches = chunk_touches_create(figures.chunk_count);
	closure = hint_closure_create(image, &hints);
	cr_assert_eq(hint_follower_create(closure, large->loader, touches,
					  figures.inode_count, &follower),
		     0);
}

static void large_teardown(void)
{
	hint_follower_destroy(follower);
	hint_closure_destroy(closure);
	fs_test_image_destroy(large);
	chunk_touches_destroy(touches);
}

TestSuite(hint_follower_large, .init = large_setup, .fini = large_teardown);

/* The first so many chunks that were asked for are read. */
static void read_expected(uint32_t count)
{
	for (uint32_t i = 0; count > 0; i++) {
		if (!chunk_touches_is_expected(touches, i))
			continue;
		chunk_touches_note(touches, i);
		count--;
	}
}

Test(hint_follower_large, asks_for_no_more_once_it_has_misled)
{
	hint_follower_observe(follower, inode_of("/a"));
	await_files(1);
	cr_expect_eq(figures().chunks, LARGE_CHUNKS);
	cr_expect_not(figures().has_misled, "so many are free");
	read_expected(2 * LARGE_CHUNKS / 4 - 1);
	hint_follower_observe(follower, inode_of("/b"));
	await_files(2);
	for (int64_t until_ms = clock_ms() + WAIT_MS;
	     !figures().has_misled && clock_ms() < until_ms;)
		usleep(200);
	cr_assert(figures().has_misled);
	cr_expect_gt(figures().chunks, HINT_FOLLOWER_FREE);
	hint_follower_observe(follower, inode_of("/c"));
	usleep(20000);
	cr_expect_eq(figures().files, 2);
	cr_expect_eq(figures().chunks, 2 * LARGE_CHUNKS);
}

Test(hint_follower_large, goes_on_while_a_quarter_is_read)
{
	hint_follower_observe(follower, inode_of("/a"));
	await_files(1);
	read_expected(3 * LARGE_CHUNKS / 4);
	hint_follower_observe(follower, inode_of("/b"));
	await_files(2);
	hint_follower_observe(follower, inode_of("/c"));
	await_files(3);
	cr_expect_eq(figures().chunks, 3 * LARGE_CHUNKS);
	cr_expect_not(figures().has_misled);
}
