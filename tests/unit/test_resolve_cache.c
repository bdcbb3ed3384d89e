/* SPDX-License-Identifier: Apache-2.0 */
#include "image/resolve_cache.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/io.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const char key[] = "docker://host/name:tag|linux/amd64";
static char folder[TEMP_DIR_SIZE];
static int dir_fd = -1;
static struct digest digest;

static void set_up(void)
{
	temp_dir_create(folder);
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	digest_compute("x", 1, &digest);
}

static void tear_down(void)
{
	close(dir_fd);
	temp_dir_remove(folder);
}

TestSuite(resolve_cache, .init = set_up, .fini = tear_down);

static void format_path(char ret[80])
{
	struct digest name;
	char hex[DIGEST_HEX_SIZE];

	digest_compute(key, strlen(key), &name);
	digest_format_hex(&name, hex);
	snprintf(ret, 80, "refs/%s", hex);
}

static void write_line(const char *line, size_t size)
{
	char path[80];

	format_path(path);
	cr_assert_eq(io_write_file_atomic(dir_fd, path, line, size, NULL), 0);
}

static void write_age(int64_t age_s)
{
	char text[DIGEST_TEXT_SIZE];
	char line[512];

	digest_format(&digest, text);
	snprintf(line, sizeof(line), "%s %lld %s\n", text,
		 (long long)(clock_wall_s() - age_s), key);
	write_line(line, strlen(line));
}

Test(resolve_cache, remembers)
{
	struct digest found = { 0 };

	cr_expect_eq(resolve_cache_load(dir_fd, key, 100, &found),
		     RESOLVE_CACHE_MISS);
	cr_assert_eq(resolve_cache_store(dir_fd, key, &digest, NULL), 0);
	cr_expect_eq(resolve_cache_load(dir_fd, key, 100, &found),
		     RESOLVE_CACHE_HIT);
	cr_expect(digest_equal(&found, &digest));
	cr_expect_eq(resolve_cache_load(dir_fd, "other", 100, &found),
		     RESOLVE_CACHE_MISS);
	cr_expect_eq(resolve_cache_load(dir_fd, key, 0, &found),
		     RESOLVE_CACHE_MISS);
}

Test(resolve_cache, replaces_what_it_remembered)
{
	struct digest found = { 0 };
	struct digest other = { .bytes = { 7 } };

	cr_assert_eq(resolve_cache_store(dir_fd, key, &digest, NULL), 0);
	cr_assert_eq(resolve_cache_store(dir_fd, key, &other, NULL), 0);
	cr_expect_eq(resolve_cache_load(dir_fd, key, 100, &found),
		     RESOLVE_CACHE_HIT);
	cr_expect(digest_equal(&found, &other));
}

Test(resolve_cache, forgets_after_the_time_to_live)
{
	struct digest found;

	cr_assert_eq(resolve_cache_store(dir_fd, key, &digest, NULL), 0);
	write_age(300);
	cr_expect_eq(resolve_cache_load(dir_fd, key, 300, &found),
		     RESOLVE_CACHE_MISS);
	cr_expect_eq(resolve_cache_load(dir_fd, key, 400, &found),
		     RESOLVE_CACHE_HIT);
	cr_expect_eq(resolve_cache_load(dir_fd, key, UINT64_MAX, &found),
		     RESOLVE_CACHE_HIT);
	write_age(-300);
	cr_expect_eq(resolve_cache_load(dir_fd, key, UINT64_MAX, &found),
		     RESOLVE_CACHE_MISS);
}

#define ZEROS                                                                  \
	"sha256:"                                                              \
	"0000000000000000000000000000000000000000000000000000000000000000"
#define KEY "docker://host/name:tag|linux/amd64"

Test(resolve_cache, ignores_what_is_malformed)
{
	static const char *const lines[] = {
		"",
		"\n",
		ZEROS,
		ZEROS " 1",
		ZEROS " 1 " KEY,
		ZEROS " 1 " KEY "\n\n",
		ZEROS " 1 other\n",
		ZEROS " x " KEY "\n",
		ZEROS " -1 " KEY "\n",
		ZEROS " 9999999999999999999 " KEY "\n",
		"sha256:00 1 " KEY "\n",
	};
	struct digest found = { .bytes = { 9 } };
	char large[8192];

	cr_assert_eq(resolve_cache_store(dir_fd, key, &digest, NULL), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		write_line(lines[i], strlen(lines[i]));
		cr_expect_eq(
			resolve_cache_load(dir_fd, key, UINT64_MAX, &found),
			RESOLVE_CACHE_MISS, "case: %s", lines[i]);
	}
	memset(large, ' ', sizeof(large));
	write_line(large, sizeof(large));
	cr_expect_eq(resolve_cache_load(dir_fd, key, UINT64_MAX, &found),
		     RESOLVE_CACHE_MISS);
	write_line("a\0b", 3);
	cr_expect_eq(resolve_cache_load(dir_fd, key, UINT64_MAX, &found),
		     RESOLVE_CACHE_MISS);
	cr_expect_eq(found.bytes[0], 9);
	write_line(ZEROS " 1 " KEY "\n", strlen(ZEROS " 1 " KEY "\n"));
	cr_expect_eq(resolve_cache_load(dir_fd, key, UINT64_MAX, &found),
		     RESOLVE_CACHE_HIT);
}

Test(resolve_cache, says_why_it_cannot_remember)
{
	struct error err = { 0 };
	char name[RESOLVE_CACHE_KEY_SIZE + 1];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	cr_expect_eq(resolve_cache_store(dir_fd, name, &digest, &err),
		     -ENAMETOOLONG);
	cr_expect_eq(resolve_cache_store(-1, key, &digest, &err), -EBADF);
	cr_expect(strstr(err.text, "refs/"));
}
