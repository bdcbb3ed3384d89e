/* SPDX-License-Identifier: Apache-2.0 */
#include "common/variable_list.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

Test(variable_list, keeps_the_last_value_and_the_first_place)
{
	struct variable_list list = { 0 };
	struct variable_list copy = { 0 };
	const char **environment = NULL;

	cr_expect_eq(variable_list_set_text(&list, "A=1"), 0);
	cr_expect_eq(variable_list_set_text(&list, "AB=2"), 0);
	cr_expect_eq(variable_list_set_text(&list, "A=x=y"), 0);
	cr_expect_eq(variable_list_set_text(&list, "=no name"), 0);
	cr_expect_eq(variable_list_set_text(&list, "no value"), 0);
	cr_expect_eq(variable_list_set(&list, "C", 1, "3", false), 0);
	cr_expect_str_eq(variable_list_find(&list, "A", 1), "x=y");
	cr_expect_str_eq(variable_list_find(&list, "ABC", 2), "2");
	cr_expect_null(variable_list_find(&list, "B", 1));
	cr_assert_eq(variable_list_to_environment(&list, &environment), 0);
	cr_expect_str_eq(environment[0], "A=x=y");
	cr_expect_str_eq(environment[1], "AB=2");
	cr_expect_null(environment[2]);
	free(environment);
	variable_list_export(&list, "C", 1);
	variable_list_unset(&list, "A", 1);
	variable_list_unset(&list, "A", 1);
	cr_assert_eq(variable_list_copy(&list, &copy), 0);
	variable_list_fini(&list);
	cr_assert_eq(variable_list_to_environment(&copy, &environment), 0);
	cr_expect_str_eq(environment[0], "AB=2");
	cr_expect_str_eq(environment[1], "C=3");
	free(environment);
	variable_list_fini(&copy);
}

Test(variable_list, has_a_bound)
{
	struct variable_list list = { 0 };
	char text[32];
	int r = 0;

	/* at the end of a list that is nearly full */
	list.capacity = VARIABLE_LIST_COUNT_MAX;
	list.variables = calloc(list.capacity, sizeof(*list.variables));
	cr_assert(list.variables);
	list.count = VARIABLE_LIST_COUNT_MAX - 1;
	for (unsigned i = 0; r == 0 && i < 2; i++) {
		snprintf(text, sizeof(text), "N%u=", i);
		r = variable_list_set_text(&list, text);
	}
	cr_expect_eq(r, -EFBIG);
	variable_list_fini(&list);
}
