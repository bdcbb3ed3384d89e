/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/profile_store.h"

#include "common/error.h"
#include "common/io.h"
#include "fetch/profile.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static char folder[TEMP_DIR_SIZE];
static int cache_fd;
static const struct digest image = { { 1 } };
static const struct digest other = { { 2 } };

static void setup(void)
{
	temp_dir_create(folder);
	cache_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(cache_fd, 0);
}

static void teardown(void)
{
	close(cache_fd);
	temp_dir_remove(folder);
}

TestSuite(profile_store, .init = setup, .fini = teardown);

static void save(uint32_t range_size)
{
	struct profile profile = { 0 };
	struct profile_entry entry = { .size = range_size };
	struct error err = { 0 };

	cr_assert_eq(profile_init(&profile, &image, &other, 1), 0);
	cr_assert_eq(profile_add_run(&profile, "key", 1, &entry, 1, false), 0);
	cr_assert_eq(profile_store_save(cache_fd, &profile, &err), 0, "%s",
		     err.text);
	profile_fini(&profile);
}

Test(profile_store, gives_back_what_was_saved_last)
{
	struct profile profile = { 0 };

	cr_expect_eq(profile_store_load(cache_fd, &image, &profile, NULL),
		     -ENOENT);
	save(10);
	save(20);
	cr_assert_eq(profile_store_load(cache_fd, &image, &profile, NULL), 0);
	cr_expect_eq(profile.commands[0].entries[0].size, 20);
	profile_fini(&profile);
	cr_expect_eq(profile_store_load(cache_fd, &other, &profile, NULL),
		     -ENOENT);
	cr_expect_eq(profile_store_remove(cache_fd, &image), 0);
	cr_expect_eq(profile_store_remove(cache_fd, &image), -ENOENT);
}

Test(profile_store, drops_what_is_damaged)
{
	struct profile profile = { 0 };
	char hex[DIGEST_HEX_SIZE];
	char name[128];

	save(10);
	digest_format_hex(&image, hex);
	snprintf(name, sizeof(name), "profiles/%s.lzp", hex);
	cr_assert_eq(io_write_file_atomic(cache_fd, name, "rubbish", 7, NULL),
		     0);
	cr_expect_eq(profile_store_load(cache_fd, &image, &profile, NULL),
		     -ENOENT);
	cr_expect_eq(faccessat(cache_fd, name, F_OK, 0), -1);
}
