/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/profile_key.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_key(const char *expected, const char *const *argv)
{
	char key[PROFILE_KEY_SIZE];

	profile_key_format(argv, key);
	cr_expect_str_eq(key, expected);
}

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

Test(profile_key, is_program_and_script)
{
	expect_key("python3 train.py", ARGV("/usr/bin/python3", "-u",
					    "tools/train.py", "--lr", "3"));
	expect_key("samtools view", ARGV("samtools", "view", "in.bam"));
	expect_key("true", ARGV("true"));
	expect_key("ls", ARGV("ls", "-l"));
}

Test(profile_key, is_program_and_code)
{
	expect_key("python3 -c import scipy.stats",
		   ARGV("python3", "-c", "import scipy.stats"));
	expect_key("python3 -m pip", ARGV("python3", "-B", "-m", "pip", "x"));
	expect_key("sh -c ls /data | wc",
		   ARGV("/bin/sh", "-c", "ls /data | wc", "sh"));
}

Test(profile_key, copes_with_odd_words)
{
	expect_key("?", ARGV(""));
	expect_key("x/", ARGV("x/"));
	expect_key("sh -c a?b?", ARGV("sh", "-c", "a\nb\x80"));
	expect_key("python3", ARGV("python3", "-c"));
	expect_key("python3", ARGV("python3", ""));
}

Test(profile_key, of_long_code_tells_it_from_other_code)
{
	char code[1000];
	char one[PROFILE_KEY_SIZE];
	char two[PROFILE_KEY_SIZE];

	memset(code, 'x', sizeof(code) - 1);
	code[sizeof(code) - 1] = '\0';
	profile_key_format(ARGV("sh", "-c", code), one);
	code[sizeof(code) - 2] = 'y';
	profile_key_format(ARGV("sh", "-c", code), two);
	cr_expect_eq(strlen(one), PROFILE_KEY_SIZE - 1);
	cr_expect_str_neq(one, two);
}
