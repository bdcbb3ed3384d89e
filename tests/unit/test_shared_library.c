/* SPDX-License-Identifier: Apache-2.0 */
#include "common/shared_library.h"

#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define FUNCTIONS(X) X(floor) X(sqrt)

struct table {
	FUNCTIONS(SHARED_LIBRARY_MEMBER)
};

static const struct shared_library_symbol symbols[] = {
	{ "floor", offsetof(struct table, floor) },
	{ "sqrt", offsetof(struct table, sqrt) },
};

static struct shared_library make(const char *file, struct table *table)
{
	return (struct shared_library){
		.file = file,
		.package = "libnumbers4",
		.symbols = symbols,
		.symbol_count = 2,
		.table = table,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
}

Test(shared_library, fills_the_table_with_the_librarys_functions)
{
	struct table table = { 0 };
	struct shared_library library = make("libm.so.6", &table);
	struct error err = { 0 };

	cr_assert_eq(shared_library_load(&library, &err), 0, "%s", err.text);
	cr_expect_eq(table.floor(2.5), 2.0);
	cr_expect_eq(table.sqrt(9.0), 3.0);
}

Test(shared_library, loads_once)
{
	struct table table = { 0 };
	struct shared_library library = make("libm.so.6", &table);

	cr_assert_eq(shared_library_load(&library, NULL), 0);
	table.sqrt = NULL;
	cr_assert_eq(shared_library_load(&library, NULL), 0);
	cr_expect_null(table.sqrt);
}

Test(shared_library, says_what_to_install_when_it_is_missing)
{
	static const char begin[] = "libnumbers.so.4 cannot be loaded: ";
	static const char end[] = "; install the package libnumbers4";
	struct table table = { 0 };
	struct shared_library library = make("libnumbers.so.4", &table);
	struct error err = { 0 };

	cr_assert_eq(shared_library_load(&library, &err), -ELIBACC);
	cr_expect_eq(err.code, -ELIBACC);
	cr_expect_eq(strncmp(err.text, begin, strlen(begin)), 0, "%s",
		     err.text);
	cr_expect_str_eq(err.text + strlen(err.text) - strlen(end), end);
}

Test(shared_library, says_which_function_is_missing)
{
	static const struct shared_library_symbol strange[] = {
		{ "take_cube_root_of_everything", 0 },
	};
	struct table table = { 0 };
	struct shared_library library = make("libm.so.6", &table);
	struct error err = { 0 };

	library.symbols = strange;
	library.symbol_count = 1;
	cr_assert_eq(shared_library_load(&library, &err), -ELIBACC);
	cr_expect_str_eq(err.text,
			 "libm.so.6 has no function "
			 "take_cube_root_of_everything; install a newer "
			 "package libnumbers4");
}

Test(shared_library, tries_again_after_a_failure)
{
	struct table table = { 0 };
	struct shared_library library = make("libnumbers.so.4", &table);

	cr_assert_eq(shared_library_load(&library, NULL), -ELIBACC);
	library.file = "libm.so.6";
	cr_assert_eq(shared_library_load(&library, NULL), 0);
	cr_expect_eq(table.sqrt(4.0), 2.0);
}
