/* SPDX-License-Identifier: Apache-2.0 */
#include "index/hint_builder.h"

#include "common/buffer.h"
#include "common/error.h"
#include "index/hint_closure.h"
#include "index/hint_table.h"
#include "index/index_file.h"
#include "tests/support/index_maker.h"
#include "tests/support/python_image.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "/usr/lib/python3.11/"
#define PACKAGE "/usr/lib/python3/dist-packages/pkg/"

static struct index_maker *maker;
static struct index_file *image;
static struct hint_table table;

static void setup(void)
{
	struct index_figures figures;
	const uint8_t *bytes;
	size_t size;

	maker = index_maker_create();
	index_maker_begin_layer(maker);
	python_image_add(maker);
	image = index_maker_open(maker);
	index_file_get_figures(image, &figures);
	bytes = index_file_hints(image, &size);
	cr_assert_eq(hint_table_decode(bytes, size, figures.inode_count, &table,
				       NULL),
		     0);
}

static void teardown(void)
{
	hint_table_fini(&table);
	index_maker_destroy(maker);
}

TestSuite(hint_builder, .init = setup, .fini = teardown);

static uint32_t inode_of(const char *path)
{
	uint32_t inode;

	cr_assert_eq(index_file_resolve(image, path, true, &inode), 0, "%s",
		     path);
	return inode;
}

/* The files that are needed with a file, a line each. */
static const char *needed_with(const char *path)
{
	static char ret[8192];
	const struct hint_record *record =
		hint_table_find(&table, inode_of(path));
	size_t size = 0;

	ret[0] = '\0';
	for (uint32_t i = 0; record && i < record->target_count; i++) {
		cr_assert_eq(index_file_get_path(
				     image,
				     table.targets[record->first_target + i],
				     ret + size, sizeof(ret) - size - 1),
			     0);
		size += strlen(ret + size);
		ret[size++] = '\n';
		ret[size] = '\0';
	}
	return ret;
}

Test(hint_builder, finds_libraries_as_the_loader_does)
{
	cr_expect_str_eq(needed_with("/usr/lib/x86_64-linux-gnu/libz.so.1"),
			 "/usr/lib/x86_64-linux-gnu/private/libown.so\n"
			 "/opt/lib/libopt.so\n");
}

Test(hint_builder, knows_what_an_interpreter_starts_with)
{
	cr_expect_str_eq(
		needed_with("/usr/bin/python3"),
		"/usr/lib/x86_64-linux-gnu/libz.so.1.2\n" LIBRARY
		"encodings/__pycache__/__init__.cpython-311.pyc\n" LIBRARY
		"encodings/aliases.py\n");
}

Test(hint_builder, follows_imports_of_a_package)
{
	cr_expect_str_eq(needed_with(PACKAGE "__init__.py"), PACKAGE
			 "__pycache__/core.cpython-311.pyc\n" PACKAGE
			 "sub/__init__.py\n" PACKAGE
			 "sub/thing.abi3.so\n" LIBRARY
			 "json/__init__.py\n" LIBRARY
			 "lib-dynload/_fast.cpython-311-x86_64-linux-gnu.so\n");
}

Test(hint_builder, gives_a_source_s_hints_to_its_compiled_file)
{
	cr_expect_str_eq(
		needed_with(PACKAGE "__pycache__/core.cpython-311.pyc"),
		PACKAGE "sub/__init__.py\n" PACKAGE "sub/other.py\n");
	cr_expect_str_eq(needed_with(PACKAGE "core.py"), "");
}

Test(hint_builder, leaves_out_what_was_read_for_the_source_itself)
{
	cr_expect_str_eq(needed_with(LIBRARY "json/decoder.py"),
			 LIBRARY "re.py\n");
	cr_expect_str_eq(needed_with(PACKAGE "sub/__init__.py"),
			 PACKAGE "__pycache__/core.cpython-311.pyc\n");
}

Test(hint_builder, takes_a_module_before_a_folder_without_init)
{
	cr_expect_str_eq(needed_with(PACKAGE "native.py"),
			 PACKAGE "_c.cpython-311-x86_64-linux-gnu.so\n");
}

Test(hint_builder, believes_strings_of_an_extension_that_are_modules)
{
	cr_expect_str_eq(
		needed_with(PACKAGE "_c.cpython-311-x86_64-linux-gnu.so"),
		"/opt/lib/libopt.so\n" PACKAGE "sub/__init__.py\n" PACKAGE
		"sub/other.py\n" LIBRARY "json/__init__.py\n" LIBRARY
		"json/decoder.py\n");
}

Test(hint_builder, leaves_out_what_is_frozen)
{
	cr_expect_str_eq(needed_with(LIBRARY "re.py"), "");
	cr_expect_str_eq(needed_with(LIBRARY "os.py"), "");
	cr_expect_str_eq(needed_with(LIBRARY "importlib/__init__.py"),
			 LIBRARY "re.py\n");
}

Test(hint_builder, finds_a_script_s_interpreter_and_its_imports)
{
	cr_expect_str_eq(needed_with("/usr/bin/tool"),
			 "/usr/bin/python3.11\n" PACKAGE "__init__.py\n" PACKAGE
			 "__pycache__/core.cpython-311.pyc\n");
}

Test(hint_builder, searches_the_folder_of_a_program)
{
	cr_expect_str_eq(needed_with("/app/main.py"),
			 "/app/helper.py\n" LIBRARY "re.py\n");
}

Test(hint_builder, is_the_same_for_the_same_image)
{
	struct index_maker *other = index_maker_create();
	const uint8_t *a;
	const uint8_t *b;
	size_t a_size;
	size_t b_size;

	index_maker_begin_layer(other);
	python_image_add(other);
	a = index_file_hints(image, &a_size);
	b = index_file_hints(index_maker_open(other), &b_size);
	cr_assert_eq(a_size, b_size);
	cr_expect_arr_eq(a, b, a_size);
	index_maker_destroy(other);
}

Test(hint_builder, a_closure_has_each_chunk_once_in_the_order_of_need)
{
	struct hint_closure *closure = hint_closure_create(image, &table);
	struct buffer chunks = BUFFER_INIT(1000);
	const uint32_t *numbers;

	/* python3.11, libz, what libz needs, the modules */
	cr_assert_eq(hint_closure_add(closure, inode_of("/usr/bin/python3"),
				      &chunks),
		     0);
	cr_assert_eq(chunks.size, 4 * sizeof(*numbers));
	numbers = (const void *)chunks.data;
	for (uint32_t i = 0; i < 4; i++)
		cr_expect_eq(numbers[i], i);
	cr_expect_eq(hint_closure_file_count(closure), 6);
	cr_assert_eq(
		hint_closure_add(closure, inode_of("/usr/bin/sh"), &chunks), 0);
	cr_expect_eq(chunks.size, 4 * sizeof(*numbers), "a chunk twice");
	cr_assert_eq(hint_closure_add(closure, inode_of("/usr"), &chunks), 0);
	cr_expect_eq(hint_closure_file_count(closure), 7, "no folders");
	hint_closure_destroy(closure);
	buffer_fini(&chunks);
}
