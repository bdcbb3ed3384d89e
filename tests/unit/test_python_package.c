/* SPDX-License-Identifier: Apache-2.0 */
#include "index/python_package.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "index/index_file.h"
#include "index/tree.h"
#include "tests/support/index_maker.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK = INDEX_MAKER_CHUNK_SIZE };

static struct index_maker *maker;
static struct index_file *index_file;

/* A file that lies in one chunk of the layer; its number is what is expected.
 */
static void add(const char *path, uint32_t chunk)
{
	const struct tree_extent extent = { 0, 100, (uint64_t)chunk * CHUNK };
	const struct tree_entry entry = {
		.path = path,
		.mode = S_IFREG | 0644,
		.size = 100,
		.extents = &extent,
		.extent_count = 1,
	};

	cr_assert_eq(index_maker_add(maker, &entry), 0);
}

static void set_up(void)
{
	maker = index_maker_create();
	index_maker_begin_layer(maker);
	index_maker_add_path(maker, "lib/pkg/__init__.py", S_IFREG | 0644);
	add("lib/pkg/__pycache__/__init__.cpython-311.pyc", 1);
	add("lib/pkg/__pycache__/core.cpython-311.opt-1.pyc", 3);
	add("lib/pkg/_c.cpython-311-x86_64-linux-gnu.so", 0);
	add("lib/pkg/data.bin", 3);
	index_maker_add_path(maker, "lib/pkg/sub/__init__.py", S_IFREG | 0644);
	add("lib/pkg/sub/plain.py", 2);
	index_maker_add_path(maker, "lib/pkg/tests/__init__.py",
			     S_IFREG | 0644);
	add("lib/pkg/tests/test_core.py", 3);
	add("lib/pkg/folder/no_package.py", 3);
	add("lib/module.py", 3);
	index_file = index_maker_open(maker);
}

static void tear_down(void)
{
	index_maker_destroy(maker);
}

TestSuite(python_package, .init = set_up, .fini = tear_down);

static uint32_t inode_of(const char *path)
{
	uint32_t inode = 0;

	cr_assert_eq(index_file_resolve(index_file, path, true, &inode), 0,
		     "%s", path);
	return inode;
}

Test(python_package, is_known_by_its_init)
{
	static const struct {
		const char *file;
		const char *package; /* NULL: none */
	} cases[] = {
		{ "lib/pkg/__init__.py", "lib/pkg" },
		{ "lib/pkg/data.bin", "lib/pkg" },
		{ "lib/pkg/__pycache__/__init__.cpython-311.pyc", "lib/pkg" },
		{ "lib/pkg/sub/plain.py", "lib/pkg/sub" },
		{ "lib/pkg/folder/no_package.py", NULL },
		{ "lib/module.py", NULL },
		{ "lib/pkg", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t dir = 0;
		bool found = python_package_find(index_file,
						 inode_of(cases[i].file), &dir);

		cr_expect_eq(found, cases[i].package != NULL, "case: %s",
			     cases[i].file);
		if (found && cases[i].package)
			cr_expect_eq(dir, inode_of(cases[i].package),
				     "case: %s", cases[i].file);
	}
	cr_expect_not(
		python_package_find(index_file, 1 << 20, &(uint32_t){ 0 }));
}

static void expect_chunks(uint64_t size_max, const char *expected)
{
	struct buffer chunks CLEANUP(buffer_fini) = BUFFER_INIT(1024);
	char text[64] = "";

	cr_assert_eq(python_package_gather(index_file, inode_of("lib/pkg"),
					   size_max, &chunks),
		     0);
	for (size_t i = 0; i < chunks.size; i += sizeof(uint32_t)) {
		uint32_t number;
		size_t len = strlen(text);

		memcpy(&number, chunks.data + i, sizeof(number));
		snprintf(text + len, sizeof(text) - len, "%u ", number);
	}
	cr_expect_str_eq(text, expected);
}

Test(python_package, names_modules_and_those_of_subpackages_but_no_tests)
{
	expect_chunks(1 << 20, "1 0 2 ");
}

Test(python_package, takes_no_more_than_allowed)
{
	expect_chunks(2 * INDEX_MAKER_STORED_SIZE, "1 0 ");
	expect_chunks(INDEX_MAKER_STORED_SIZE - 1, "");
}
