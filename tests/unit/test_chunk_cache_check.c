/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_cache_check.h"

#include "fetch/chunk.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_cache_name.h"
#include "fetch/chunk_record.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
	SIZE = 200001,
	STEPS = 4, /* the header and 200,001 bytes, by 64 KiB */
};

static char dir[TEMP_DIR_SIZE];
static struct chunk_cache *cache;
static uint8_t data[SIZE];
static struct digest key;

static void setup(void)
{
	static const char name[] = "a chunk";

	temp_dir_create(dir);
	cr_assert_eq(chunk_cache_open(dir, 1 << 30, &cache, NULL), 0);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 7 + i / 1000);
	digest_compute(name, sizeof(name), &key);
	cr_assert_eq(chunk_cache_store(cache, &key, data, SIZE), 0);
}

static void teardown(void)
{
	chunk_cache_close(cache);
	temp_dir_remove(dir);
}

TestSuite(chunk_cache_check, .init = setup, .fini = teardown);

static struct chunk_cache_check *begin(void)
{
	struct chunk_cache_check *check = NULL;

	cr_assert_eq(chunk_cache_check_open(cache, &key, SIZE, &check),
		     CHUNK_CACHE_HIT);
	return check;
}

/* As chunk_parts_take() does; closes the check. */
static struct chunk *take(struct chunk_cache_check *check)
{
	int fd = chunk_cache_check_take(check);
	struct chunk *chunk =
		chunk_create_in_file(7, fd, CHUNK_RECORD_HEADER_SIZE, SIZE);

	cr_assert_not_null(chunk);
	chunk_cache_check_close(check);
	return chunk;
}

static void expect_bytes(const struct chunk *chunk)
{
	static uint8_t got[SIZE];

	cr_assert_eq(chunk_read(chunk, 0, SIZE, got), 0);
	cr_expect_arr_eq(got, data, SIZE);
	cr_assert_eq(chunk_read(chunk, 70001, 100, got), 0);
	cr_expect_arr_eq(got, data + 70001, 100);
	cr_expect_eq(chunk_read(chunk, SIZE, 0, got), 0);
	cr_expect_eq(chunk_read(chunk, SIZE - 1, 2, got), -EBADMSG);
	cr_expect_eq(chunk_read(chunk, UINT64_MAX, 2, got), -EBADMSG);
}

static int open_file(int flags)
{
	char path[CHUNK_CACHE_NAME_SIZE];
	int fd;

	chunk_cache_name_format(&key, path);
	fd = openat(chunk_cache_dir_fd(cache), path, flags | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	return fd;
}

static void spoil(off_t off)
{
	int fd = open_file(O_RDWR);
	uint8_t byte;

	cr_assert_eq(pread(fd, &byte, 1, off), 1);
	byte ^= 0x20;
	cr_assert_eq(pwrite(fd, &byte, 1, off), 1);
	close(fd);
}

Test(chunk_cache_check, leaves_the_bytes_in_the_file)
{
	struct chunk_cache_check *check = begin();
	struct chunk *chunk;

	cr_assert_eq(chunk_cache_check_finish(check), CHUNK_CACHE_CHECK_DONE);
	chunk = take(check);
	cr_expect_null(chunk->data);
	expect_bytes(chunk);
	chunk_cache_remove(cache, &key);
	expect_bytes(chunk);
	chunk_unref(chunk);
}

Test(chunk_cache_check, goes_step_by_step)
{
	struct chunk_cache_check *check = begin();
	struct chunk *chunk;
	unsigned steps = 1;
	int r;

	while ((r = chunk_cache_check_step(check)) == CHUNK_CACHE_CHECK_MORE)
		steps++;
	if (r == -EAGAIN)
		cr_skip_test("this file system cannot tell what is in memory");
	cr_assert_eq(r, CHUNK_CACHE_CHECK_DONE);
	cr_expect_eq(steps, STEPS);
	chunk = take(check);
	expect_bytes(chunk);
	chunk_unref(chunk);
}

Test(chunk_cache_check, can_be_finished_or_given_up_at_any_step)
{
	for (unsigned steps = 0; steps < STEPS; steps++) {
		struct chunk_cache_check *check = begin();

		for (unsigned i = 0; i < steps; i++)
			(void)chunk_cache_check_step(check);
		chunk_cache_check_close(check);
		check = begin();
		for (unsigned i = 0; i < steps; i++)
			(void)chunk_cache_check_step(check);
		cr_expect_eq(chunk_cache_check_finish(check),
			     CHUNK_CACHE_CHECK_DONE, "after %u", steps);
		chunk_cache_check_close(check);
	}
}

Test(chunk_cache_check, finds_damage_anywhere_and_removes_it)
{
	static const off_t places[] = {
		0,
		10,
		40,
		CHUNK_RECORD_HEADER_SIZE - 1,
		CHUNK_RECORD_HEADER_SIZE,
		CHUNK_CACHE_CHECK_STEP + CHUNK_RECORD_HEADER_SIZE,
		CHUNK_RECORD_HEADER_SIZE + SIZE - 1,
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct chunk_cache_check *check;

		spoil(places[i]);
		check = begin();
		cr_expect_eq(chunk_cache_check_finish(check),
			     CHUNK_CACHE_CHECK_FAILED, "byte %ld", places[i]);
		chunk_cache_check_close(check);
		cr_expect_not(chunk_cache_has(cache, &key, SIZE), "byte %ld",
			      places[i]);
		cr_assert_eq(chunk_cache_store(cache, &key, data, SIZE), 0);
	}
}

Test(chunk_cache_check, misses_what_is_absent_or_of_another_size)
{
	struct chunk_cache_check *check = NULL;
	int fd;

	cr_expect_eq(chunk_cache_check_open(cache, &key, SIZE - 1, &check),
		     CHUNK_CACHE_MISS);
	cr_expect_null(check);
	cr_expect_not(chunk_cache_has(cache, &key, SIZE), "damage goes");
	cr_expect_eq(chunk_cache_check_open(cache, &key, SIZE, &check),
		     CHUNK_CACHE_MISS);
	cr_assert_eq(chunk_cache_store(cache, &key, data, SIZE), 0);
	check = begin();
	fd = open_file(O_RDWR);
	cr_assert_eq(ftruncate(fd, SIZE / 2), 0);
	close(fd);
	cr_expect_eq(chunk_cache_check_finish(check), CHUNK_CACHE_CHECK_FAILED,
		     "cut short meanwhile");
	chunk_cache_check_close(check);
}
