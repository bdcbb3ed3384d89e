/* SPDX-License-Identifier: Apache-2.0 */
/* What `inspect` prints of a directory's /.singularity.d and /scif/apps. */
#include "tools/image_metadata.h"

#include "common/error.h"
#include "common/io.h"
#include "tests/support/temp_dir.h"
#include "tools/image_text.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char dir[TEMP_DIR_SIZE];
static struct image_text_source source;
static struct error err;

static void add(const char *path, const char *text)
{
	char whole[PATH_MAX];
	char *slash;

	snprintf(whole, sizeof(whole), "%s/%s", dir, path);
	slash = strrchr(whole, '/');
	*slash = '\0';
	cr_assert_eq(io_mkdir_all(whole, 0755, NULL), 0);
	*slash = '/';
	cr_assert_eq(
		io_write_file_atomic(AT_FDCWD, whole, text, strlen(text), NULL),
		0);
}

static void set_up(void)
{
	temp_dir_create(dir);
	source.dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	add(".singularity.d/runscript", "#!/bin/sh\necho run\n\n");
	add(".singularity.d/labels.json", "{\"b\": \"2\", \"a\": \"1\"}");
	add(".singularity.d/env/90-environment.sh", "export X=1\n");
	add("scif/apps/foo/scif/labels.json", "{\"Version\": \"1.2\"}");
	add("scif/apps/foo/scif/runscript.help", "help of foo\n");
	add("scif/apps/bar/scif/runscript", "echo bar\n");
	add("scif/apps/README", "no application\n");
	cr_redirect_stdout();
}

static void tear_down(void)
{
	close(source.dir_fd);
	temp_dir_remove(dir);
}

TestSuite(image_metadata, .init = set_up, .fini = tear_down);

static int print(struct image_metadata_options options)
{
	static const char *const labels[] = { "c=from the configuration",
					      NULL };
	int r = image_metadata_print(&source, &options, labels, &err);

	fflush(stdout);
	return r;
}

Test(image_metadata, prints_labels_by_name)
{
	cr_assert_eq(print((struct image_metadata_options){ .labels = true }),
		     0);
	cr_assert_stdout_eq_str("a: 1\nb: 2\n");
}

Test(image_metadata, takes_labels_of_the_configuration_without_others)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/.singularity.d/labels.json", dir);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(print((struct image_metadata_options){ .labels = true }),
		     0);
	cr_assert_stdout_eq_str("c: from the configuration\n");
}

Test(image_metadata, prints_scripts_and_leaves_out_what_is_not_there)
{
	cr_assert_eq(print((struct image_metadata_options){ .environment = true,
							    .runscript = true,
							    .test = true,
							    .helpfile = true }),
		     0);
	cr_assert_stdout_eq_str(
		"=== /.singularity.d/env/90-environment.sh ===\n"
		"export X=1\n\n#!/bin/sh\necho run\n");
}

Test(image_metadata, prints_an_application)
{
	cr_assert_eq(print((struct image_metadata_options){
			     .labels = true, .helpfile = true, .app = "foo" }),
		     0);
	cr_assert_stdout_eq_str("Version: 1.2\nhelp of foo\n");
}

Test(image_metadata, lists_applications)
{
	cr_assert_eq(image_metadata_print_apps(&source, &err), 0);
	fflush(stdout);
	cr_assert_stdout_eq_str("bar\nfoo\n");
}

Test(image_metadata, knows_which_applications_there_are)
{
	cr_expect_eq(print((struct image_metadata_options){ .labels = true,
							    .app = "none" }),
		     -ENOENT);
	cr_expect(strstr(err.text, "no application none"), "%s", err.text);
	cr_expect_eq(print((struct image_metadata_options){ .labels = true,
							    .app = "../apps" }),
		     -ENOENT);
}

Test(image_metadata, puts_all_into_json)
{
	json_t *all;
	json_t *attributes;
	FILE *out;

	cr_assert_eq(print((struct image_metadata_options){ .labels = true,
							    .runscript = true,
							    .json = true,
							    .all_apps = true }),
		     0);
	out = cr_get_redirected_stdout();
	all = json_loadf(out, 0, NULL);
	attributes =
		json_object_get(json_object_get(all, "data"), "attributes");
	cr_expect_str_eq(
		json_string_value(json_object_get(attributes, "runscript")),
		"#!/bin/sh\necho run");
	attributes = json_object_get(attributes, "apps");
	cr_expect_eq(json_object_size(attributes), 2);
	cr_expect_str_eq(
		json_string_value(json_object_get(
			json_object_get(attributes, "bar"), "runscript")),
		"echo bar");
	json_decref(all);
}
