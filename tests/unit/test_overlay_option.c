/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/overlay_option.h"

#include "common/error.h"
#include "tools/option.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/overlay-option.XXXXXX";

static void write_file(const char *name, size_t off, const char *text)
{
	FILE *file = fopen(name, "w");

	cr_assert_not_null(file);
	fseek(file, (long)off, SEEK_SET);
	fputs(text, file);
	fclose(file);
}

static void make_folder(void)
{
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
	mkdir("plain", 0755);
	mkdir("kept", 0755);
	mkdir("kept/upper", 0755);
	write_file("a.sqfs", 0, "hsqs....");
	write_file("b.sif", 32, "SIF_MAGIC");
	write_file("text", 0, "SIF_MAGIC hsqs");
	write_file("short", 0, "hs");
	write_file("c.ext3", 1080, "\x53\xef");
	mkfifo("pipe", 0600);
}

static void remove_folder(void)
{
	static const char *const names[] = { "a.sqfs", "b.sif", "text",
					     "c.ext3", "short", "kept/upper",
					     "kept",   "plain", "pipe",
					     folder };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		remove(names[i]);
}

TestSuite(overlay_option, .init = make_folder, .fini = remove_folder);

static int parse(const char *text, struct overlay_list *ret, struct error *err)
{
	const struct option_list list = { .values = &text, .count = 1 };

	return overlay_option_parse(&list, ret, err);
}

/* The path behind the folder's own. */
static const char *tail(const char *path)
{
	const char *found = strstr(path, folder + strlen("/tmp"));

	return found ? found + strlen(folder) - strlen("/tmp") : path;
}

Test(overlay_option, puts_the_last_one_on_top)
{
	struct overlay_list list = { 0 };
	const char *mounts[2];

	cr_assert_eq(
		parse("plain:ro,a.sqfs:ro,kept:ro,kept,b.sif", &list, NULL), 0);
	cr_assert_eq(list.count, 4);
	cr_expect_str_eq(tail(list.layers[0].path), "/b.sif");
	cr_expect_eq(list.layers[0].kind, OVERLAY_TREE);
	cr_expect_str_eq(tail(list.layers[1].path), "/kept/upper");
	cr_expect_eq(list.layers[1].kind, OVERLAY_DIRECTORY);
	cr_expect_str_eq(tail(list.layers[2].path), "/a.sqfs");
	cr_expect_str_eq(tail(list.layers[3].path), "/plain");
	cr_expect_str_eq(tail(list.upper), "/kept");
	cr_expect_eq(overlay_option_list_mounts(&list, mounts, 2, NULL), 2);
	cr_expect_null(mounts[0]);
	cr_expect_null(mounts[1]);
	cr_expect_eq(overlay_option_list_mounts(&list, mounts, 1, NULL),
		     -EFBIG);
	overlay_option_fini(&list);
}

Test(overlay_option, leaves_ext3_to_fuse2fs)
{
	struct overlay_list list = { 0 };
	const char *mounts[8];

	cr_assert_eq(parse("a.sqfs:ro,plain:ro,c.ext3:ro", &list, NULL), 0);
	cr_assert_eq(list.count, 3);
	cr_expect_eq(list.layers[0].kind, OVERLAY_EXT);
	cr_assert_eq(overlay_option_list_mounts(&list, mounts, 8, NULL), 2);
	cr_expect_str_eq(tail(mounts[0]), "/c.ext3");
	cr_expect_null(mounts[1]);
	overlay_option_fini(&list);
}

Test(overlay_option, takes_a_url_as_it_is)
{
	struct overlay_list list = { 0 };

	cr_assert_eq(parse("https://host/x.sqfs:ro", &list, NULL), 0);
	cr_assert_eq(list.count, 1);
	cr_expect_str_eq(list.layers[0].path, "https://host/x.sqfs");
	cr_expect_eq(list.layers[0].kind, OVERLAY_TREE);
	overlay_option_fini(&list);
}

Test(overlay_option, says_what_cannot_be_one)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} cases[] = {
		{ "none", -ENOENT, "--overlay none" },
		{ "text", -ENOTSUP, "neither a directory nor a SquashFS," },
		{ "short:ro", -ENOTSUP, "neither a directory nor a SquashFS," },
		{ "pipe:ro", -ENOTSUP, "neither a directory nor a SquashFS," },
		{ "c.ext3", -ENOTSUP, "add :ro" },
		{ "plain,kept", -EINVAL, "only one can be written to" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct overlay_list list = { 0 };
		struct error err = { 0 };

		cr_expect_eq(parse(cases[i].text, &list, &err), cases[i].code,
			     "case: %s", cases[i].text);
		cr_expect(strstr(err.text, cases[i].says), "case: %s: %s",
			  cases[i].text, err.text);
		overlay_option_fini(&list);
	}
}
