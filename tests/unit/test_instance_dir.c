/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/instance_dir.h"

#include "common/cleanup.h"
#include "common/digest.h"
#include "common/error.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

static char path[TEMP_DIR_SIZE];
static int cache_fd;
static int dir_fd;
static struct error err;

static void set_up(void)
{
	temp_dir_create(path);
	cache_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir_fd = instance_dir_open(cache_fd, &err);
	cr_assert(dir_fd >= 0, "%s", err.text);
}

static void tear_down(void)
{
	close(dir_fd);
	close(cache_fd);
	temp_dir_remove(path);
}

TestSuite(instance_dir, .init = set_up, .fini = tear_down, .timeout = 30);

static struct instance_entry make_entry(char key, const char *name)
{
	struct instance_entry entry;

	memset(entry.key, key, sizeof(entry.key) - 1);
	entry.key[sizeof(entry.key) - 1] = '\0';
	snprintf(entry.name, sizeof(entry.name), "%s", name);
	return entry;
}

Test(instance_dir, names_are_checked)
{
	static const char *const good[] = { "a", "A-b_c.9", "web" };
	static const char *const bad[] = { "",	 ".", "..",  "a/b",  "a b",
					   ".x", "ä", "a\n", "x.log" };
	char text[80];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		cr_expect_eq(instance_dir_check_name(good[i], &err), 0,
			     "case: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(instance_dir_check_name(bad[i], &err), -EINVAL,
			     "case: %s", bad[i]);
	memset(text, 'a', sizeof(text));
	text[64] = '\0';
	cr_expect_eq(instance_dir_check_name(text, &err), 0);
	text[64] = 'a';
	text[65] = '\0';
	cr_expect_eq(instance_dir_check_name(text, &err), -EINVAL);
}

Test(instance_dir, what_listens_is_listed_and_answers)
{
	struct instance_entry entry = make_entry('a', "one");
	autofree struct instance_entry *found = NULL;
	autoclose int listener =
		instance_dir_publish(dir_fd, &entry, false, &err);
	autoclose int client = -1;
	autoclose int accepted = -1;

	cr_assert(listener >= 0, "%s", err.text);
	cr_expect(instance_dir_may_have_any(path));
	cr_assert_eq(instance_dir_list(dir_fd, &found), 1);
	cr_expect_str_eq(found[0].name, "one");
	cr_expect_str_eq(found[0].key, entry.key);
	client = instance_dir_connect(dir_fd, &found[0]);
	cr_expect(client >= 0);
	accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	cr_expect(accepted >= 0);
}

Test(instance_dir, a_name_is_had_once)
{
	struct instance_entry first = make_entry('a', "one");
	struct instance_entry second = make_entry('b', "one");
	struct instance_entry third = make_entry('a', "two");
	autoclose int a = instance_dir_publish(dir_fd, &first, false, &err);
	autoclose int b = instance_dir_publish(dir_fd, &second, false, &err);
	autoclose int c = instance_dir_publish(dir_fd, &third, true, &err);
	autoclose int d = instance_dir_publish(dir_fd, &third, false, &err);

	cr_expect(a >= 0);
	cr_expect_eq(b, -EEXIST);
	cr_expect_eq(c, -EEXIST, "the key is had already");
	cr_expect(d >= 0, "which matters only when it is said to");
}

Test(instance_dir, the_dead_are_removed)
{
	struct instance_entry entry = make_entry('a', "one");
	autofree struct instance_entry *found = NULL;
	int listener = instance_dir_publish(dir_fd, &entry, false, &err);
	int log_fd = instance_dir_open_log(dir_fd, &entry);

	cr_assert(listener >= 0 && log_fd >= 0);
	cr_assert_eq(write(log_fd, "x", 1), 1);
	close(log_fd);
	close(listener);
	cr_assert_eq(instance_dir_list(dir_fd, &found), 1);
	cr_expect_eq(instance_dir_connect(dir_fd, &entry), -ECONNREFUSED);
	free(STEAL_PTR(found));
	cr_expect_eq(instance_dir_list(dir_fd, &found), 0);
	cr_expect_eq(instance_dir_connect(dir_fd, &entry), -ENOENT);
	listener = instance_dir_publish(dir_fd, &entry, true, &err);
	cr_expect(listener >= 0, "the name is free again");
	close(listener);
}

Test(instance_dir, other_files_are_passed_over)
{
	static const char *const names[] = {
		"x",
		"new-7",
		"00000000-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-other",
	};
	autofree struct instance_entry *found = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		close(openat(dir_fd, names[i], O_WRONLY | O_CREAT | O_CLOEXEC,
			     0600));
	cr_expect_eq(instance_dir_list(dir_fd, &found), 0);
}

Test(instance_dir, a_log_is_kept_only_with_text)
{
	struct instance_entry entry = make_entry('a', "one");
	char log[512];

	instance_dir_format_log(path, &entry, log, sizeof(log));
	close(instance_dir_open_log(dir_fd, &entry));
	cr_expect_eq(access(log, F_OK), 0);
	instance_dir_remove(dir_fd, &entry, false);
	cr_expect_neq(access(log, F_OK), 0);
}

Test(instance_dir, a_folder_open_to_others_is_refused)
{
	cr_assert_eq(fchmod(dir_fd, 0750), 0);
	cr_expect_eq(instance_dir_open(cache_fd, &err), -EPERM);
	cr_expect(strstr(err.text, "0700"));
}

Test(instance_dir, keys_tell_images_apart)
{
	struct digest a = { { 1 } };
	struct digest b = { { 2 } };
	char first[INSTANCE_KEY_SIZE];
	char again[INSTANCE_KEY_SIZE];
	char other[INSTANCE_KEY_SIZE];

	cr_assert_eq(instance_key_format(&a, first, &err), 0);
	cr_assert_eq(instance_key_format(&a, again, &err), 0);
	cr_assert_eq(instance_key_format(&b, other, &err), 0);
	cr_expect_str_eq(first, again);
	cr_expect_str_neq(first, other);
	cr_expect_eq(strspn(first, "0123456789abcdef"), 32);
}
