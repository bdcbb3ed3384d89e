/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/root_list.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

TestSuite(root_list, .timeout = 30);

static struct digest make_key(uint8_t number)
{
	struct digest key = { 0 };

	key.bytes[0] = number;
	key.bytes[DIGEST_SIZE - 1] = 1;
	return key;
}

static int open_any(void)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

Test(root_list, finds_what_was_added)
{
	struct root_list list = { 0 };
	struct digest a = make_key(1);
	struct digest b = make_key(2);
	int fd = open_any();

	cr_expect_eq(root_list_find(&list, &a), -1);
	root_list_add(&list, &a, fd);
	cr_expect_eq(root_list_find(&list, &a), fd);
	cr_expect_eq(root_list_find(&list, &b), -1);
	root_list_fini(&list);
	cr_expect(!is_open(fd));
}

Test(root_list, keeps_the_first_of_a_key)
{
	struct root_list list = { 0 };
	struct digest key = make_key(1);
	int first = open_any();
	int second = open_any();

	root_list_add(&list, &key, first);
	root_list_add(&list, &key, second);
	cr_expect_eq(root_list_find(&list, &key), first);
	cr_expect(!is_open(second));
	root_list_fini(&list);
}

Test(root_list, the_one_not_joined_for_longest_gives_way)
{
	struct root_list list = { 0 };
	struct digest oldest = make_key(1);
	struct digest joined = make_key(0);
	struct digest key;
	int oldest_fd;

	for (uint8_t i = 0; i < ROOT_LIST_MAX; i++) {
		key = make_key(i);
		root_list_add(&list, &key, open_any());
	}
	oldest_fd = root_list_find(&list, &oldest);
	for (uint8_t i = 2; i < ROOT_LIST_MAX; i++) {
		key = make_key(i);
		cr_expect_geq(root_list_find(&list, &key), 0);
	}
	cr_expect_geq(root_list_find(&list, &joined), 0);
	key = make_key(100);
	root_list_add(&list, &key, open_any());
	cr_expect_eq(list.count, ROOT_LIST_MAX);
	cr_expect_eq(root_list_find(&list, &oldest), -1);
	cr_expect_geq(root_list_find(&list, &joined), 0);
	cr_expect_geq(root_list_find(&list, &key), 0);
	cr_expect(!is_open(oldest_fd));
	root_list_fini(&list);
}
