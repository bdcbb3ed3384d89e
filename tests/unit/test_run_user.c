/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_user.h"

#include <criterion/criterion.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

Test(run_user, is_as_the_name_services_have_it)
{
	static const uid_t ids[] = { 0, 1, 65534 };

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		const struct passwd *passwd = getpwuid(ids[i]);
		const struct group *group = getgrgid(ids[i]);
		struct run_user user;

		run_user_load(ids[i], ids[i], &user);
		cr_expect_eq(user.uid, ids[i]);
		cr_expect_str_eq(user.name, passwd ? passwd->pw_name : "user");
		cr_expect_str_eq(user.group, group ? group->gr_name : "user");
		if (!passwd)
			continue;
		if (passwd->pw_dir[0])
			cr_expect_str_eq(user.home, passwd->pw_dir);
		if (passwd->pw_shell[0])
			cr_expect_str_eq(user.shell, passwd->pw_shell);
		cr_expect_str_eq(user.gecos, passwd->pw_gecos);
	}
}

Test(run_user, has_a_name_without_an_entry)
{
	struct run_user user;

	run_user_load(4000000001, 4000000002, &user);
	cr_expect_str_eq(user.name, "user");
	cr_expect_str_eq(user.group, "user");
	cr_expect_str_eq(user.home, "/");
	cr_expect_str_eq(user.shell, "/bin/sh");
	cr_expect_str_eq(user.gecos, "");
}
