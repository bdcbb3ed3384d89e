/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/object_index.h"

#include "image/image_ref.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
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

static void make(const char *name)
{
	char path[1024];

	for (const char *slash = name; (slash = strchr(slash, '/')); slash++) {
		snprintf(path, sizeof(path), "%s/%.*s", folder,
			 (int)(slash - name), name);
		mkdir(path, 0700);
	}
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fclose(fopen(path, "w"));
}

/* @expected: below the folder; NULL: none is found */
static void expect_found(const char *text, const char *dir,
			 const char *expected)
{
	struct image_ref ref = { 0 };
	char path[1024];
	char *found = NULL;

	cr_assert_eq(image_ref_parse(text, &ref, NULL), 0);
	cr_assert_eq(object_index_find(&ref, dir, &found, NULL), 0);
	if (expected) {
		snprintf(path, sizeof(path), "%s/%s", folder, expected);
		cr_assert(found, "case: %s", text);
		cr_expect_str_eq(found, path);
	} else {
		cr_expect_null(found, "case: %s", text);
	}
	free(found);
	image_ref_fini(&ref);
}

Test(object_index, is_found_beside_a_file, .init = set_up, .fini = tear_down)
{
	char path[1024];

	make("x.sif");
	snprintf(path, sizeof(path), "%s/x.sif", folder);
	expect_found(path, NULL, NULL);
	make("x.sif.lzi");
	expect_found(path, NULL, "x.sif.lzi");
}

Test(object_index, is_found_in_a_directory, .init = set_up, .fini = tear_down)
{
	expect_found("osdf:///ns/a/x.sif", folder, NULL);
	make("x.sif.lzi");
	expect_found("osdf:///ns/a/x.sif", folder, "x.sif.lzi");
	make("ns/a/x.sif.lzi");
	expect_found("osdf:///ns/a/x.sif", folder, "ns/a/x.sif.lzi");
	expect_found("osdf:///ns/a/x.sif", NULL, NULL);
	make("host:80/p/y.sif.lzi");
	expect_found("https://host:80/p/y.sif?token=secret", folder,
		     "host:80/p/y.sif.lzi");
}

Test(object_index, is_not_looked_for_outside, .init = set_up, .fini = tear_down)
{
	char dir[2048];

	make("a/b");
	make("x.sif.lzi");
	snprintf(dir, sizeof(dir), "%s/a", folder);
	expect_found("https://h/../../x.sif", dir, NULL);
	expect_found("docker://host/x.sif", folder, NULL);
}
