/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/node_lock.h"

#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[TEMP_DIR_SIZE];
static char path[TEMP_DIR_SIZE + 16];

static void setup(void)
{
	temp_dir_create(dir);
	snprintf(path, sizeof(path), "%s/claims", dir);
}

static void teardown(void)
{
	temp_dir_remove(dir);
}

TestSuite(node_lock, .init = setup, .fini = teardown);

static struct node_lock open_lock(void)
{
	struct node_lock lock = NODE_LOCK_INIT;

	cr_assert_eq(node_lock_open(AT_FDCWD, path, &lock), 0);
	return lock;
}

Test(node_lock, excludes_another_open_file)
{
	struct node_lock a = open_lock();
	struct node_lock b = open_lock();

	cr_expect_eq(node_lock_try(&a, 5), NODE_LOCK_HELD);
	cr_expect_eq(node_lock_try(&b, 5), NODE_LOCK_TAKEN);
	cr_expect_eq(node_lock_try(&b, 6), NODE_LOCK_HELD);
	node_lock_release(&a, 5);
	cr_expect_eq(node_lock_try(&b, 5), NODE_LOCK_HELD);
	node_lock_close(&a);
	node_lock_close(&b);
}

Test(node_lock, may_be_taken_twice_by_the_same_one)
{
	struct node_lock a = open_lock();

	cr_expect_eq(node_lock_try(&a, 5), NODE_LOCK_HELD);
	cr_expect_eq(node_lock_try(&a, 5), NODE_LOCK_HELD);
	node_lock_close(&a);
}

Test(node_lock, is_shared_by_many_or_held_by_one)
{
	struct node_lock a = open_lock();
	struct node_lock b = open_lock();
	struct node_lock c = open_lock();

	cr_expect_eq(node_lock_try_shared(&a, 5), NODE_LOCK_HELD);
	cr_expect_eq(node_lock_try_shared(&b, 5), NODE_LOCK_HELD);
	cr_expect_eq(node_lock_try(&c, 5), NODE_LOCK_TAKEN);
	node_lock_release(&a, 5);
	cr_expect_eq(node_lock_try(&c, 5), NODE_LOCK_TAKEN);
	node_lock_close(&b);
	cr_expect_eq(node_lock_try(&c, 5), NODE_LOCK_HELD);
	cr_expect_eq(node_lock_try_shared(&a, 5), NODE_LOCK_TAKEN);
	cr_expect_eq(node_lock_try_shared(&c, 5), NODE_LOCK_HELD);
	cr_expect_eq(node_lock_try_shared(&a, 5), NODE_LOCK_HELD);
	node_lock_close(&a);
	node_lock_close(&c);
}

Test(node_lock, keeps_neighbouring_bytes_apart)
{
	struct node_lock a = open_lock();
	struct node_lock b = open_lock();

	for (uint64_t off = 10; off < 20; off++)
		cr_expect_eq(node_lock_try(&a, off), NODE_LOCK_HELD);
	node_lock_release(&a, 15);
	cr_expect_eq(node_lock_try(&b, 14), NODE_LOCK_TAKEN);
	cr_expect_eq(node_lock_try(&b, 15), NODE_LOCK_HELD);
	cr_expect_eq(node_lock_try(&b, 16), NODE_LOCK_TAKEN);
	node_lock_close(&a);
	node_lock_close(&b);
}

Test(node_lock, reaches_the_largest_offset)
{
	struct node_lock a = open_lock();
	struct node_lock b = open_lock();

	cr_expect_eq(node_lock_try(&a, INT64_MAX - 1), NODE_LOCK_HELD);
	cr_expect_eq(node_lock_try(&b, INT64_MAX - 1), NODE_LOCK_TAKEN);
	node_lock_close(&a);
	node_lock_close(&b);
}

Test(node_lock, vanishes_with_its_process)
{
	struct node_lock lock;
	int ready[2];
	char byte;
	pid_t child;

	cr_assert_eq(pipe(ready), 0);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		lock = open_lock();
		if (node_lock_try(&lock, 7) == NODE_LOCK_HELD)
			(void)!write(ready[1], "x", 1);
		pause();
		_exit(0);
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	lock = open_lock();
	cr_expect_eq(node_lock_try(&lock, 7), NODE_LOCK_TAKEN);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	cr_expect_eq(node_lock_try(&lock, 7), NODE_LOCK_HELD);
	node_lock_close(&lock);
}

Test(node_lock, answers_an_errno_when_it_is_not_open)
{
	struct node_lock lock = NODE_LOCK_INIT;

	cr_expect_eq(node_lock_try(&lock, 1), -EBADF);
	node_lock_release(&lock, 1);
	node_lock_close(&lock);
	cr_expect_eq(node_lock_open(AT_FDCWD, "/nowhere/at/all", &lock),
		     -ENOENT);
}
