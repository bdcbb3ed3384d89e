/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/stub_file.h"

#include "common/error.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

Test(stub_file, is_called_as_apptainer_calls_it)
{
	static const struct {
		const char *image;
		const char *name;
	} cases[] = {
		{ "docker://debian", "debian_latest.sif" },
		{ "docker://debian:12", "debian_12.sif" },
		{ "docker://h.example:5000/a/b:1.2", "b_1.2.sif" },
		{ "docker://h/b@sha256:ab", "b@sha256_ab.sif" },
		{ "docker://h/b:1@sha256:ab", "b_1@sha256.sif" },
		{ "oci:layout:1", "layout_1.sif" },
		{ "oci:/some/layout", "layout_latest.sif" },
		{ "https://h/p/x.sif?token=a/b", "x.sif" },
		{ "osdf:///ns/p/x.sif", "x.sif" },
	};
	char name[NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_assert_eq(stub_file_name(cases[i].image, name, sizeof(name),
					    NULL),
			     0, "%s", cases[i].image);
		cr_expect_str_eq(name, cases[i].name, "%s", cases[i].image);
	}
}

Test(stub_file, needs_a_name_of_its_own)
{
	static const char *const cases[] = { "x.sif", "docker://",
					     "oci:", "https://h/p/", "./dir/" };
	char name[NAME_MAX + 1];
	struct error err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect_eq(stub_file_name(cases[i], name, sizeof(name), &err),
			     -EINVAL, "%s", cases[i]);
	cr_expect_eq(stub_file_name("docker://debian:12", name, 8, &err),
		     -ENAMETOOLONG);
}

Test(stub_file, replaces_files_only_when_told)
{
	char dir[TEMP_DIR_SIZE];
	char path[PATH_MAX];
	struct error err;

	temp_dir_create(dir);
	snprintf(path, sizeof(path), "%s/x.sif", dir);
	cr_expect_eq(stub_file_check(path, false, &err), 0);
	/* a link that leads nowhere is there, too */
	cr_assert_eq(symlink("/no/such/file", path), 0);
	cr_expect_eq(stub_file_check(path, false, &err), -EEXIST);
	cr_expect_eq(stub_file_check(path, true, &err), 0);
	cr_expect_eq(stub_file_check(dir, true, &err), -EISDIR);
	temp_dir_remove(dir);
}
