/* SPDX-License-Identifier: Apache-2.0 */
#include "hot/hot_record.h"

#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[TEMP_DIR_SIZE];
static int dir_fd;

static void setup(void)
{
	temp_dir_create(dir);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(dir_fd, 0);
}

static void teardown(void)
{
	close(dir_fd);
	temp_dir_remove(dir);
}

TestSuite(hot_record, .init = setup, .fini = teardown);

static const uint32_t numbers[] = { 1, 2, 63, 64, 65, 128, 700, 1000 };

static struct hot_record *make(void)
{
	struct hot_record *record = hot_record_create(1000);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		hot_record_add(record, numbers[i]);
	return record;
}

static void expect_numbers(const struct hot_record *record)
{
	uint32_t inode = 0;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		inode = hot_record_next(record, inode);
		cr_expect_eq(inode, numbers[i]);
	}
	cr_expect_eq(hot_record_next(record, inode), 0);
}

Test(hot_record, finds_what_was_added_in_order)
{
	struct hot_record *record = make();

	expect_numbers(record);
	cr_expect(hot_record_has(record, 64));
	cr_expect_not(hot_record_has(record, 66));
	hot_record_remove(record, 64);
	cr_expect_not(hot_record_has(record, 64));
	hot_record_destroy(record);
}

Test(hot_record, ignores_numbers_that_are_no_inodes)
{
	struct hot_record *record = hot_record_create(64);

	hot_record_add(record, 0);
	hot_record_add(record, 65);
	hot_record_add(record, UINT32_MAX);
	hot_record_remove(record, UINT32_MAX);
	cr_expect_not(hot_record_has(record, UINT32_MAX));
	cr_expect_eq(hot_record_next(record, 0), 0);
	hot_record_add(record, 64);
	cr_expect_eq(hot_record_next(record, 0), 64);
	cr_expect_eq(hot_record_next(record, UINT32_MAX), 0);
	hot_record_destroy(record);
}

Test(hot_record, is_read_back_beside_what_is_there)
{
	struct hot_record *record = make();
	struct hot_record *back = hot_record_create(1000);

	cr_assert_eq(hot_record_save(record, dir_fd, "r", 5, NULL), 0);
	hot_record_add(back, 2);
	cr_assert_eq(hot_record_load(back, dir_fd, "r", 5), 0);
	expect_numbers(back);
	hot_record_destroy(record);
	hot_record_destroy(back);
}

Test(hot_record, refuses_another_index_and_damage)
{
	struct hot_record *record = make();
	struct hot_record *back = hot_record_create(1000);
	struct hot_record *other = hot_record_create(2000);
	struct stat st;
	uint8_t byte;
	int fd;

	cr_expect_eq(hot_record_load(back, dir_fd, "r", 5), -ENOENT);
	cr_assert_eq(hot_record_save(record, dir_fd, "r", 5, NULL), 0);
	cr_expect_eq(hot_record_load(back, dir_fd, "r", 6), -EBADMSG);
	cr_expect_eq(hot_record_load(other, dir_fd, "r", 5), -EBADMSG);
	fd = openat(dir_fd, "r", O_RDWR | O_CLOEXEC);
	cr_assert_eq(fstat(fd, &st), 0);
	for (off_t off = 0; off < st.st_size; off++) {
		if (off >= 20 && off < 24)
			continue; /* zero, and not looked at */
		cr_assert_eq(pread(fd, &byte, 1, off), 1);
		byte ^= 0x10;
		cr_assert_eq(pwrite(fd, &byte, 1, off), 1);
		cr_expect_eq(hot_record_load(back, dir_fd, "r", 5), -EBADMSG,
			     "byte %ld", (long)off);
		byte ^= 0x10;
		cr_assert_eq(pwrite(fd, &byte, 1, off), 1);
	}
	cr_expect_eq(hot_record_next(back, 0), 0, "nothing was added");
	close(fd);
	hot_record_destroy(record);
	hot_record_destroy(back);
	hot_record_destroy(other);
}
