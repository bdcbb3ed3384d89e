/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_readers.h"

#include <criterion/criterion.h>
#include <time.h>

static struct fs_readers readers;
static unsigned turns;	 /* atomic: begun */
static unsigned at_work; /* atomic */
static bool may_end;	 /* atomic */

static unsigned load(const unsigned *number)
{
	return __atomic_load_n(number, __ATOMIC_ACQUIRE);
}

static unsigned count_threads(void)
{
	unsigned count;

	mutex_lock(&readers.lock);
	count = readers.count;
	mutex_unlock(&readers.lock);
	return count;
}

static void take_turn(void *arg)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	cr_expect_eq(arg, &turns);
	__atomic_add_fetch(&at_work, 1, __ATOMIC_ACQ_REL);
	__atomic_add_fetch(&turns, 1, __ATOMIC_ACQ_REL);
	while (!__atomic_load_n(&may_end, __ATOMIC_ACQUIRE))
		nanosleep(&pause, NULL);
	__atomic_sub_fetch(&at_work, 1, __ATOMIC_ACQ_REL);
}

/* As long as the test may take. */
static void wait_until(const unsigned *number, unsigned value)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	while (load(number) != value)
		nanosleep(&pause, NULL);
}

static void end_turns(void)
{
	__atomic_store_n(&may_end, true, __ATOMIC_RELEASE);
	wait_until(&readers.busy, 0);
	__atomic_store_n(&may_end, false, __ATOMIC_RELEASE);
}

TestSuite(fs_readers, .timeout = 30);

Test(fs_readers, has_no_thread_before_it_is_called)
{
	fs_readers_init(&readers, FS_READERS_MAX, take_turn, &turns);
	fs_readers_call(&readers, 0);
	cr_expect_eq(count_threads(), 0);
	fs_readers_fini(&readers);
	cr_expect_eq(turns, 0);
}

Test(fs_readers, has_as_many_at_work_as_were_called)
{
	fs_readers_init(&readers, 2, take_turn, &turns);
	fs_readers_call(&readers, 1);
	fs_readers_call(&readers, 1);
	wait_until(&at_work, 1);
	cr_expect_eq(count_threads(), 1);
	fs_readers_call(&readers, 7);
	wait_until(&at_work, 2);
	cr_expect_eq(load(&turns), 2);
	cr_expect_eq(count_threads(), 2);
	end_turns();
	fs_readers_fini(&readers);
	cr_expect_eq(turns, 2);
}

Test(fs_readers, calls_the_threads_it_has_again)
{
	fs_readers_init(&readers, FS_READERS_MAX, take_turn, &turns);
	for (unsigned round = 1; round <= 3; round++) {
		fs_readers_call(&readers, 2);
		wait_until(&turns, 2 * round);
		end_turns();
	}
	cr_expect_eq(count_threads(), 2);
	fs_readers_fini(&readers);
}

Test(fs_readers, is_never_called_where_one_is_all)
{
	fs_readers_init(&readers, 0, take_turn, &turns);
	fs_readers_call(&readers, 3);
	cr_expect_eq(count_threads(), 0);
	fs_readers_fini(&readers);
	cr_expect_eq(turns, 0);
}

Test(fs_readers, takes_no_call_after_the_end)
{
	fs_readers_init(&readers, FS_READERS_MAX, take_turn, &turns);
	fs_readers_call(&readers, 1);
	wait_until(&turns, 1);
	end_turns();
	fs_readers_stop(&readers);
	fs_readers_call(&readers, 3);
	fs_readers_fini(&readers);
	cr_expect_eq(turns, 1);
}
