/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/config.h"

#include "common/error.h"
#include "common/io.h"
#include "tests/support/temp_dir.h"
#include "tools/command.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[TEMP_DIR_SIZE];
static struct common_options options; /* its texts are never freed */
static const struct option *const tables[] = { common_option_table, NULL };

static void set_up(void)
{
	temp_dir_create(folder);
	cr_assert_eq(setenv("XDG_CONFIG_HOME", folder, 1), 0);
	cr_assert_eq(setenv("HOME", "/nowhere", 1), 0);
	cr_assert_eq(unsetenv("XDG_CACHE_HOME"), 0);
}

static void tear_down(void)
{
	temp_dir_remove(folder);
}

TestSuite(config, .init = set_up, .fini = tear_down);

static int load(const char *text, struct error *err)
{
	char path[TEMP_DIR_SIZE + 32];

	snprintf(path, sizeof(path), "%s/lazyrun", folder);
	cr_assert_eq(io_mkdir_all(path, 0700, NULL), 0);
	snprintf(path, sizeof(path), "%s/lazyrun/lazyrun.conf", folder);
	cr_assert_eq(
		io_write_file_atomic(AT_FDCWD, path, text, strlen(text), NULL),
		0);
	return config_load(tables, &options, NULL, err);
}

Test(config, sets_what_the_file_names)
{
	struct error err = { 0 };

	options.tag_ttl_ms = 1;
	cr_assert_eq(load("# comment\ncache-dir = /scratch/lr\n"
			  "cache-size = 2G\ninsecure = yes\n",
			  &err),
		     0, "%s", err.text);
	cr_expect_str_eq(options.cache_dir, "/scratch/lr");
	cr_expect_eq(options.cache_size, (uint64_t)2 << 30);
	cr_expect(options.insecure);
	cr_expect_eq(options.tag_ttl_ms, 1);
}

Test(config, may_be_absent)
{
	cr_expect_eq(config_load(tables, &options, NULL, NULL), 0);
}

Test(config, names_file_and_line_of_a_mistake)
{
	static const char *const texts[] = {
		"quiet = yes\nno-such-thing = 1\n",
		"quiet = yes\ncache-size = large\n",
		"quiet = yes\nnonsense\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct error err = { 0 };

		cr_expect_lt(load(texts[i], &err), 0, "case: %s", texts[i]);
		cr_expect_not_null(strstr(err.text, "lazyrun.conf line 2"),
				   "%s", err.text);
	}
}

Test(config, puts_the_cache_where_it_belongs)
{
	char expected[TEMP_DIR_SIZE + 32];
	char path[TEMP_DIR_SIZE + 32];

	snprintf(expected, sizeof(expected), "/var/tmp/lazyrun-%u",
		 (unsigned)geteuid());
	cr_expect_eq(config_cache_dir(path, sizeof(path), NULL), 0);
	cr_expect_str_eq(path, expected, "there is no such home");
	cr_assert_eq(setenv("HOME", folder, 1), 0);
	snprintf(expected, sizeof(expected), "%s/.cache/lazyrun", folder);
	cr_expect_eq(config_cache_dir(path, sizeof(path), NULL), 0);
	cr_expect_str_eq(path, expected);
	cr_assert_eq(setenv("XDG_CACHE_HOME", "/x", 1), 0);
	cr_expect_eq(config_cache_dir(path, sizeof(path), NULL), 0);
	cr_expect_str_eq(path, "/x/lazyrun");
	cr_expect_eq(config_cache_dir(path, 5, NULL), -ENAMETOOLONG);
}
