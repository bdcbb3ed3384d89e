/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/credentials.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "fetch/base64.h"
#include "fetch/credential_helper.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* base64 of "alice:secret" and "bob:pass:word" */
#define ALICE "YWxpY2U6c2VjcmV0"
#define BOB   "Ym9iOnBhc3M6d29yZA=="

static char home[64];

static void write_file(const char *name, mode_t mode, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", home, name);
	file = fopen(path, "w");
	cr_assert(file, "%s", path);
	fputs(text, file);
	fclose(file);
	cr_assert_eq(chmod(path, mode), 0);
}

static void make_folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	cr_assert_eq(mkdir(path, 0700), 0);
}

static void set_up(void)
{
	char path[512];

	snprintf(home, sizeof(home), "/tmp/test_credentials.XXXXXX");
	cr_assert(mkdtemp(home));
	setenv("HOME", home, 1);
	snprintf(path, sizeof(path), "%s/run", home);
	setenv("XDG_RUNTIME_DIR", path, 1);
	snprintf(path, sizeof(path), "%s/bin:%s", home, getenv("PATH"));
	setenv("PATH", path, 1);
	unsetenv("REGISTRY_AUTH_FILE");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("DOCKER_CONFIG");
	make_folder("bin");
	make_folder("run");
	make_folder("run/containers");
	make_folder(".config");
	make_folder(".config/containers");
	make_folder(".docker");
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void tear_down(void)
{
	nftw(home, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(credentials, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect(const char *host, const char *repository, const char *user,
		   const char *password)
{
	CLEANUP(credentials_fini) struct credentials found = { 0 };
	struct error err = { 0 };

	cr_assert_eq(credentials_load(host, repository, &found, &err), 0, "%s",
		     err.text);
	if (!user) {
		cr_assert_null(found.user, "%s: %s", host, found.user);
		return;
	}
	cr_assert(found.user, "nothing for %s/%s", host, repository);
	cr_assert_str_eq(found.user, user);
	cr_assert_str_eq(found.password, password);
}

static int fail(const char *host, struct error *err)
{
	CLEANUP(credentials_fini) struct credentials found = { 0 };
	int r = credentials_load(host, "r", &found, err);

	cr_assert_null(found.user);
	return r;
}

Test(credentials, are_none_without_files)
{
	char files[1024];

	expect("h", "r", NULL, NULL);
	credentials_list_files(files, sizeof(files));
	cr_assert(strstr(files, "/run/containers/auth.json, "), "%s", files);
	cr_assert(strstr(files, "/.docker/config.json, "), "%s", files);
}

Test(credentials, come_from_the_first_file_that_has_them)
{
	write_file(".dockercfg", 0600, "{\"h\":{\"auth\":\"" BOB "\"}}");
	expect("h", "r", "bob", "pass:word");
	write_file(".docker/config.json", 0600,
		   "{\"auths\":{\"h\":{\"auth\":\"" ALICE "\"}}}");
	expect("h", "r", "alice", "secret");
	write_file(".config/containers/auth.json", 0600,
		   "{\"auths\":{\"h\":{\"auth\":\"" BOB "\"}}}");
	expect("h", "r", "bob", "pass:word");
	write_file("run/containers/auth.json", 0600,
		   "{\"auths\":{\"h\":{\"username\":\"u\","
		   "\"password\":\"p\"}}}");
	expect("h", "r", "u", "p");
	write_file("mine", 0600,
		   "{\"auths\":{\"h\":{\"auth\":\"" ALICE "\"}}}");
	{
		char path[256];

		snprintf(path, sizeof(path), "%s/mine", home);
		setenv("REGISTRY_AUTH_FILE", path, 1);
	}
	expect("h", "r", "alice", "secret");
	expect("other", "r", NULL, NULL);
}

Test(credentials, prefer_the_longest_key)
{
	write_file("run/containers/auth.json", 0600,
		   "{\"auths\":{"
		   "\"h\":{\"username\":\"u1\",\"password\":\"p\"},"
		   "\"h/a\":{\"username\":\"u2\",\"password\":\"p\"},"
		   "\"h/a/b\":{\"username\":\"u3\",\"password\":\"p\"},"
		   "\"h:5000\":{\"username\":\"u4\",\"password\":\"p\"}}}");
	expect("h", "x/y", "u1", "p");
	expect("h", "a/x", "u2", "p");
	expect("h", "a/b", "u3", "p");
	expect("h", "a/b/c", "u3", "p");
	expect("h", "", "u1", "p");
	expect("h:5000", "a/b", "u4", "p");
}

Test(credentials, understand_keys_that_are_urls)
{
	write_file(".docker/config.json", 0600,
		   "{\"auths\":{"
		   "\"https://index.docker.io/v1/\":{\"auth\":\"" ALICE "\"},"
		   "\"https://h/v2/\":{\"auth\":\"" BOB "\"}}}");
	expect("docker.io", "library/debian", "alice", "secret");
	expect("registry-1.docker.io", "library/debian", "alice", "secret");
	expect("h", "r", "bob", "pass:word");
}

Test(credentials, may_be_an_identity_token)
{
	CLEANUP(credentials_fini) struct credentials found = { 0 };

	write_file(".docker/config.json", 0600,
		   "{\"auths\":{\"h\":{\"auth\":\"" ALICE
		   "\",\"identitytoken\":\"idt\"}}}");
	cr_assert_eq(credentials_load("h", "r", &found, NULL), 0);
	cr_assert_str_eq(found.identity_token, "idt");
}

Test(credentials, say_which_file_is_malformed)
{
	static const char *const texts[] = {
		"{",
		"[]",
		"{\"auths\":{\"h\":{\"auth\":\"%%%\"}}}",
		"{\"auths\":{\"h\":{\"auth\":\"bm9jb2xvbg==\"}}}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct error err = { 0 };

		write_file(".config/containers/auth.json", 0600, texts[i]);
		cr_expect_eq(fail("h", &err), -EPROTO, "case: %s", texts[i]);
		cr_expect(strstr(err.text, ".config/containers/auth.json"),
			  "%s", err.text);
	}
	/* It does not hide what another file has. */
	write_file(".docker/config.json", 0600,
		   "{\"auths\":{\"h\":{\"auth\":\"" ALICE "\"}}}");
	expect("h", "r", "alice", "secret");
}

/* ---- helpers ---- */

static const char helper[] =
	"#!/bin/sh\n"
	"read server\n"
	"echo \"{\\\"ServerURL\\\":\\\"$server\\\",\\\"Username\\\":"
	"\\\"$1 $server\\\",\\\"Secret\\\":\\\"s\\\"}\"\n";

Test(credentials, come_from_a_helper_for_the_host)
{
	write_file("bin/docker-credential-test", 0700, helper);
	write_file(".docker/config.json", 0600,
		   "{\"credHelpers\":{\"h\":\"test\"},"
		   "\"auths\":{\"other\":{\"auth\":\"" ALICE "\"}}}");
	expect("h", "r", "get h", "s");
	expect("other", "r", "alice", "secret");
}

Test(credentials, come_from_dockers_store_for_the_rest)
{
	write_file("bin/docker-credential-test", 0700, helper);
	write_file(".docker/config.json", 0600,
		   "{\"credsStore\":\"test\",\"auths\":{\"h\":{}}}");
	expect("h", "r", "get h", "s");
	expect("docker.io", "r", "get https://index.docker.io/v1/", "s");
	write_file("run/containers/auth.json", 0600,
		   "{\"credsStore\":\"none\"}");
	expect("h", "r", "get h", "s");
}

Test(credentials, are_none_when_the_helper_knows_none)
{
	write_file("bin/docker-credential-test", 0700,
		   "#!/bin/sh\n"
		   "echo credentials not found in native keychain\nexit 1\n");
	write_file(".docker/config.json", 0600, "{\"credsStore\":\"test\"}");
	expect("h", "r", NULL, NULL);
}

Test(credentials, say_what_is_wrong_with_a_helper)
{
	static const struct {
		const char *label;
		const char *text; /* NULL: not installed */
		int result;
		const char *words;
	} cases[] = {
		{ "absent", NULL, -EIO, "not installed" },
		{ "fails", "#!/bin/sh\necho no key; exit 3\n", -EIO, "no key" },
		{ "killed", "#!/bin/sh\nkill -9 $$\n", -EIO, "failed" },
		{ "talks", "#!/bin/sh\necho hello\n", -EPROTO, "user name" },
		{ "floods", "#!/bin/sh\nexec yes\n", -EPROTO, "too long" },
		{ "half", "#!/bin/sh\necho '{\"Username\":\"u\"}'\n", -EPROTO,
		  "secret" },
	};

	write_file(".docker/config.json", 0600, "{\"credsStore\":\"test\"}");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = { 0 };

		if (cases[i].text)
			write_file("bin/docker-credential-test", 0700,
				   cases[i].text);
		cr_expect_eq(fail("h", &err), cases[i].result, "case: %s",
			     cases[i].label);
		cr_expect(strstr(err.text, cases[i].words), "case: %s: %s",
			  cases[i].label, err.text);
	}
}

Test(credentials, kill_a_helper_that_hangs)
{
	int64_t start_ms = clock_ms();
	struct error err = { 0 };

	write_file("bin/docker-credential-test", 0700,
		   "#!/bin/sh\nsleep 1000 &\nsleep 1000\n");
	write_file(".docker/config.json", 0600, "{\"credsStore\":\"test\"}");
	cr_assert_eq(fail("h", &err), -ETIMEDOUT);
	cr_assert(clock_ms() - start_ms < 2 * CREDENTIAL_HELPER_TIMEOUT_MS);
}

Test(credentials, run_no_helper_by_path)
{
	struct error err = { 0 };

	write_file(".docker/config.json", 0600,
		   "{\"credsStore\":\"../../bin/sh\"}");
	cr_assert_eq(fail("h", &err), -EPROTO);
}

/* ---- base64 ---- */

Test(credentials, decode_base64_both_ways)
{
	static const char *const texts[] = {
		"", "a", "ab", "abc", "abcd", "\xff\xfe\x00\x01"
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		autofree char *encoded =
			base64_encode(texts[i], strlen(texts[i]));
		autofree char *decoded = NULL;
		size_t size = 0;

		cr_assert_eq(base64_decode(encoded, &decoded, &size), 0);
		cr_expect_eq(size, strlen(texts[i]));
		cr_expect_str_eq(decoded, texts[i]);
	}
	{
		char *none = NULL;
		size_t size;

		cr_expect_eq(base64_decode("a", &none, &size), -EINVAL);
		cr_expect_eq(base64_decode("a b=", &none, &size), -EINVAL);
	}
}
