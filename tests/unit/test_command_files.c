/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/command_files.h"

#include "common/buffer.h"
#include "index/index_file.h"
#include "tests/support/index_maker.h"
#include "tests/support/python_image.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKAGE "/usr/lib/python3/dist-packages/pkg/"
#define CORE	PACKAGE "__init__.py " PACKAGE "__pycache__/core.cpython-311.pyc "
#define JSON	"/usr/lib/python3.11/json/__init__.py "

static struct index_maker *maker;
static struct index_file *image;

static void setup(void)
{
	maker = index_maker_create();
	index_maker_begin_layer(maker);
	python_image_add(maker);
	image = index_maker_open(maker);
}

static void teardown(void)
{
	index_maker_destroy(maker);
}

TestSuite(command_files, .init = setup, .fini = teardown);

/* The paths of a command's files, a blank behind each. */
static const char *files_of(const char *const *argv, const char *const *env)
{
	static char ret[8192];
	struct buffer inodes =
		BUFFER_INIT(COMMAND_FILES_MAX * sizeof(uint32_t));
	const uint32_t *numbers;
	size_t size = 0;

	ret[0] = '\0';
	cr_assert_eq(command_files_find(image, argv, env, &inodes), 0);
	numbers = (const void *)inodes.data;
	for (size_t i = 0; i < inodes.size / sizeof(*numbers); i++) {
		cr_assert_eq(index_file_get_path(image, numbers[i], ret + size,
						 sizeof(ret) - size - 1),
			     0);
		size += strlen(ret + size);
		ret[size++] = ' ';
		ret[size] = '\0';
	}
	buffer_fini(&inodes);
	return ret;
}

static const struct {
	const char *label;
	const char *argv[8];
	const char *expected;
} cases[] = {
	{ "nothing", { NULL }, "" },
	{ "not there", { "/bin/nothing", NULL }, "" },
	{ "a program", { "sh", NULL }, "/usr/bin/sh " },
	{ "by its path", { "/usr/bin/sh", NULL }, "/usr/bin/sh " },
	{ "code",
	  { "python3", "-c", "x = 1; import pkg.core;import json", NULL },
	  "/usr/bin/python3.11 " CORE JSON },
	{ "options before it",
	  { "python3", "-u", "-W", "ignore", "-c", "import json", NULL },
	  "/usr/bin/python3.11 " JSON },
	{ "a module",
	  { "python3", "-m", "json", "x", NULL },
	  "/usr/bin/python3.11 " JSON JSON
	  "/usr/lib/python3.11/json/__main__.py " },
	{ "a script of the image",
	  { "python3", "/app/main.py", "-c", "import json", NULL },
	  "/usr/bin/python3.11 /app/main.py " },
	{ "code that is missing",
	  { "python3", "-c", NULL },
	  "/usr/bin/python3.11 " },
	{ "a script by itself", { "tool", NULL }, "/usr/bin/tool " },
	{ "a shell's line",
	  { "sh", "-ec", "A=1 exec python3 -c 'import json'", NULL },
	  "/usr/bin/sh /usr/bin/python3.11 " JSON },
	{ "several commands and a parameter",
	  { "sh", "-c", "echo started; exec python3 -c \"$1\"", "job",
	    "import pkg.core\nprint()", NULL },
	  "/usr/bin/sh /usr/bin/python3.11 " CORE },
	{ "a shell's script",
	  { "sh", "-x", "/usr/bin/tool", NULL },
	  "/usr/bin/sh /usr/bin/tool " },
	{ "shells without end",
	  { "sh", "-c", "sh -c 'sh -c tool; tool' \"", NULL },
	  "/usr/bin/sh /usr/bin/sh /usr/bin/sh /usr/bin/tool /usr/bin/tool " },
};

Test(command_files, understands_usual_commands)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect_str_eq(files_of(cases[i].argv, NULL),
				 cases[i].expected, "case: %s", cases[i].label);
}

Test(command_files, searches_the_path_of_the_image)
{
	static const char *const argv[] = { "sh", NULL };
	static const char *const here[] = { "A=b", "PATH=/x:/usr/bin", NULL };
	static const char *const elsewhere[] = { "PATH=/opt", NULL };

	cr_expect_str_eq(files_of(argv, here), "/usr/bin/sh ");
	cr_expect_str_eq(files_of(argv, elsewhere), "");
}

Test(command_files, reads_a_script_of_the_host)
{
	char path[] = "/tmp/command_files.XXXXXX";
	const char *const argv[] = { "python3", path, NULL };
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, "def main():\n  pass\nimport json\n", 31), 31);
	close(fd);
	cr_expect_str_eq(files_of(argv, NULL), "/usr/bin/python3.11 " JSON);
	unlink(path);
	cr_expect_str_eq(files_of(argv, NULL), "/usr/bin/python3.11 ");
}
