/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/oci_bundle.h"

#include "common/error.h"
#include "common/io.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static char dir[TEMP_DIR_SIZE];
static struct oci_bundle *bundle;
static struct error err;

static void set_up(void)
{
	temp_dir_create(dir);
}

static void tear_down(void)
{
	oci_bundle_destroy(bundle);
	temp_dir_remove(dir);
}

TestSuite(oci_bundle, .init = set_up, .fini = tear_down);

static int load(const char *config)
{
	char path[PATH_MAX];

	oci_bundle_destroy(bundle);
	bundle = NULL;
	err = (struct error){ 0 };
	snprintf(path, sizeof(path), "%s/config.json", dir);
	cr_assert_eq(io_write_file_atomic(AT_FDCWD, path, config,
					  strlen(config), NULL),
		     0);
	return oci_bundle_load(dir, &bundle, &err);
}

#define PROCESS "\"process\": {\"cwd\": \"/w\", \"args\": [\"sh\", \"-c\"]}"

Test(oci_bundle, reads_a_process_and_its_root)
{
	char root[PATH_MAX];

	cr_assert_eq(load("{\"root\": {\"path\": \"rootfs\"}, \"process\": "
			  "{\"cwd\": \"/w\", \"args\": [\"a b\", \"\"], "
			  "\"env\": [\"A=1\"]}}"),
		     0, "%s", err.text);
	snprintf(root, sizeof(root), "%s/rootfs", dir);
	cr_expect_str_eq(bundle->image, root);
	cr_expect_str_eq(bundle->cwd, "/w");
	cr_expect_str_eq(bundle->args[0], "a b");
	cr_expect_str_eq(bundle->args[1], "");
	cr_expect_null(bundle->args[2]);
	cr_expect_str_eq(bundle->env[0], "A=1");
	cr_expect_null(bundle->env[1]);
	cr_expect_null(bundle->binds[0]);
	cr_assert_eq(load("{\"root\": {\"path\": \"/abs\"}, " PROCESS "}"), 0);
	cr_expect_str_eq(bundle->image, "/abs");
	cr_expect_null(bundle->env[0]);
}

Test(oci_bundle, prefers_the_image_of_the_annotation)
{
	cr_assert_eq(load("{\"root\": {\"path\": \"rootfs\"}, " PROCESS
			  ", \"annotations\": {\"org.lazyrun.image\": "
			  "\"docker://debian:12\"}}"),
		     0);
	cr_expect_str_eq(bundle->image, "docker://debian:12");
}

Test(oci_bundle, takes_binds_and_leaves_out_other_mounts)
{
	cr_assert_eq(load("{\"root\": {\"path\": \"r\"}, " PROCESS
			  ", \"mounts\": ["
			  "{\"destination\": \"/proc\", \"type\": \"proc\"},"
			  "{\"destination\": \"/d\", \"type\": \"bind\", "
			  "\"source\": \"/a:b,c\\\\d\", \"options\": [\"ro\"]},"
			  "{\"destination\": \"/e\", \"source\": \"/s\", "
			  "\"options\": [\"rbind\"]}]}"),
		     0, "%s", err.text);
	cr_expect_str_eq(bundle->binds[0], "/a\\:b\\,c\\\\d:/d:ro");
	cr_expect_str_eq(bundle->binds[1], "/s:/e");
	cr_expect_null(bundle->binds[2]);
}

Test(oci_bundle, names_the_member_that_is_wrong)
{
	static const struct {
		const char *config;
		const char *member;
	} cases[] = {
		{ "{", "config.json, line 1" },
		{ "[]", "process.cwd" },
		{ "{\"process\": {\"args\": [\"sh\"]}}", "process.cwd" },
		{ "{\"process\": {\"cwd\": \"w\", \"args\": [\"sh\"]}}",
		  "process.cwd" },
		{ "{\"process\": {\"cwd\": \"/\"}}", "process.args" },
		{ "{\"process\": {\"cwd\": \"/\", \"args\": []}}",
		  "process.args" },
		{ "{\"process\": {\"cwd\": \"/\", \"args\": [1]}}",
		  "process.args" },
		{ "{\"process\": {\"cwd\": \"/\", \"args\": \"sh\"}}",
		  "process.args" },
		{ "{\"process\": {\"cwd\": \"/\", \"args\": [\"sh\"], "
		  "\"env\": {}}}",
		  "process.env" },
		{ "{" PROCESS "}", "root.path" },
		{ "{" PROCESS ", \"root\": {\"path\": \"\"}}", "root.path" },
		{ "{" PROCESS ", \"mounts\": [{\"source\": \"/s\"}]}",
		  "mounts[].destination" },
		{ "{" PROCESS ", \"mounts\": [{\"destination\": \"d\"}]}",
		  "mounts[].destination" },
		{ "{" PROCESS ", \"mounts\": [{\"destination\": \"/d\", "
		  "\"type\": \"bind\", \"source\": \"s\"}]}",
		  "mounts[].source" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_expect_eq(load(cases[i].config), -EINVAL, "case: %s",
			     cases[i].config);
		cr_expect(strstr(err.text, cases[i].member), "case: %s: %s",
			  cases[i].config, err.text);
		cr_expect_null(bundle);
	}
}

Test(oci_bundle, says_that_there_is_none)
{
	cr_expect_eq(oci_bundle_load(dir, &bundle, &err), -ENOENT);
	cr_expect_eq(oci_bundle_load("/no/such/bundle", &bundle, &err),
		     -ENOENT);
	cr_expect(strstr(err.text, "/no/such/bundle"), "%s", err.text);
}
