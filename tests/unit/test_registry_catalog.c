/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/registry_catalog.h"

#include "common/error.h"
#include "tests/support/layout_maker.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char folder[TEMP_DIR_SIZE];

static void set_up(void)
{
	temp_dir_create(folder);
}

static void tear_down(void)
{
	temp_dir_remove(folder);
}

TestSuite(registry_catalog, .init = set_up, .fini = tear_down);

static const char *below(const char *name)
{
	static char path[TEMP_DIR_SIZE + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void make_layout(const char *name)
{
	struct layout_maker maker;

	layout_maker_init(&maker, below(name));
}

static struct registry_catalog *make_catalog(const char *root, int expected,
					     struct error *err)
{
	struct registry_catalog *catalog = NULL;

	cr_assert_eq(registry_catalog_create(&root, 1, &catalog, err),
		     expected);
	return catalog;
}

Test(registry_catalog, names_layouts_by_their_path)
{
	CLEANUP(registry_catalog_destroyp)
	struct registry_catalog *catalog = NULL;

	cr_assert_eq(mkdir(below("team"), 0700), 0);
	make_layout("team/Base");
	make_layout("zlib");
	make_layout(".hidden");
	make_layout("not__a__name!");
	cr_assert_eq(symlink("zlib", below("link")), 0);
	cr_assert_eq(symlink(".", below("loop")), 0);
	catalog = make_catalog(folder, 0, NULL);
	cr_assert_eq(registry_catalog_count(catalog), 3);
	cr_expect_str_eq(registry_catalog_name(catalog, 0), "link");
	cr_expect_str_eq(registry_catalog_name(catalog, 1), "team/base");
	cr_expect_str_eq(registry_catalog_name(catalog, 2), "zlib");
	cr_expect_eq(registry_catalog_skipped(catalog), 1);
	cr_expect_str_eq(registry_catalog_find(catalog, "team/base"),
			 below("team/Base"));
	cr_expect_null(registry_catalog_find(catalog, "team"));
	cr_expect_null(registry_catalog_find(catalog, "../zlib"));
}

Test(registry_catalog, names_a_layout_itself_as_its_directory)
{
	CLEANUP(registry_catalog_destroyp)
	struct registry_catalog *catalog = NULL;

	make_layout("one");
	catalog = make_catalog(below("one"), 0, NULL);
	cr_assert_eq(registry_catalog_count(catalog), 1);
	cr_expect_str_eq(registry_catalog_name(catalog, 0), "one");
}

Test(registry_catalog, says_when_there_is_no_layout)
{
	struct error err = { 0 };

	make_catalog(folder, -ENOENT, &err);
	cr_expect(strstr(err.text, "no OCI layout in"), "%s", err.text);
	make_catalog(below("none"), -ENOENT, &err);
	cr_expect(strstr(err.text, "cannot open"), "%s", err.text);
}

Test(registry_catalog, refuses_two_layouts_of_one_name)
{
	struct error err = { 0 };

	make_layout("base");
	make_layout("Base");
	make_catalog(folder, -EEXIST, &err);
	cr_expect(strstr(err.text, "\"base\""), "%s", err.text);
}

Test(registry_catalog, looks_no_deeper_than_it_says)
{
	char name[64] = "";
	struct error err = { 0 };

	for (int i = 0; i < REGISTRY_CATALOG_DEPTH_MAX; i++) {
		snprintf(name + strlen(name), sizeof(name) - strlen(name),
			 "%sd", i ? "/" : "");
		cr_assert_eq(mkdir(below(name), 0700), 0);
	}
	snprintf(name + strlen(name), sizeof(name) - strlen(name), "/base");
	make_layout(name);
	make_catalog(folder, -ENOENT, &err);
	registry_catalog_destroy(make_catalog(below("d"), 0, &err));
}
