/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/token_search.h"

#include "common/error.h"
#include "tests/support/temp_dir.h"
#include "tests/support/token_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW_S = 1000000 };

#define GOOD                                                                   \
	"\"wlcg.ver\":\"1.0\",\"iss\":\"https://"                              \
	"a\",\"scope\":\"storage.read:/\""
#define NARROW                                                                 \
	"\"wlcg.ver\":\"1.0\",\"iss\":\"https://"                              \
	"a\",\"scope\":\"storage.read:/x\""
#define FOREIGN                                                                \
	"\"wlcg.ver\":\"1.0\",\"iss\":\"https://"                              \
	"b\",\"scope\":\"storage.read:/\""
#define EXPIRED GOOD ",\"exp\":999999"

static const char *const issuers[] = { "https://a" };
static const struct bearer_token_need need = {
	.path = "/ns/a",
	.issuers = issuers,
	.issuer_count = 1,
};
static char dir[TEMP_DIR_SIZE];
static char path[TEMP_DIR_SIZE + 64];
static char source[TOKEN_SEARCH_SOURCE_SIZE];
static struct bearer_token token;
static struct error err;

static void set_up(void)
{
	temp_dir_create(dir);
}

static void tear_down(void)
{
	bearer_token_fini(&token);
	temp_dir_remove(dir);
}

TestSuite(token_search, .init = set_up, .fini = tear_down, .timeout = 60);

/* "{<claims>,"jti":"<name>"}" into a file of that name; tokens differ. */
static const char *put(const char *name, const char *claims)
{
	char json[512];
	char text[TOKEN_MAKER_SIZE];
	int fd;

	snprintf(json, sizeof(json), "{%s,\"jti\":\"%s\"}", claims, name);
	token_maker_format(json, text);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

static int find(const struct token_search *search)
{
	bearer_token_fini(&token);
	return token_search_find(search, &need, NOW_S, &token, source, &err);
}

static void expect_found(const struct token_search *search, const char *name)
{
	cr_expect_eq(find(search), 0, "%s: %s", name, err.text);
	cr_expect(strstr(source, name), "found in %s, not %s", source, name);
}

Test(token_search, goes_in_the_order_of_the_reference_client)
{
	char files[3][TEMP_DIR_SIZE + 64];
	char text[TOKEN_MAKER_SIZE];
	struct token_search search = { .uid = (unsigned)getuid() };
	char own[64];

	token_maker_format("{" GOOD "}", text);
	snprintf(own, sizeof(own), "bt_u%u", search.uid);
	snprintf(files[0], sizeof(files[0]), "%s", put("file", GOOD));
	snprintf(files[1], sizeof(files[1]), "%s", put("legacy", GOOD));
	put(own, GOOD);
	put("scitokens.use", GOOD);
	search.token = text;
	search.token_file = files[0];
	search.runtime_dir = dir;
	search.temp_dir = dir;
	search.legacy_file = files[1];
	search.creds_dir = dir;
	expect_found(&search, "BEARER_TOKEN");
	search.token = NULL;
	expect_found(&search, "/file");
	search.token_file = NULL;
	expect_found(&search, own);
	search.runtime_dir = NULL;
	expect_found(&search, own);
	search.temp_dir = NULL;
	expect_found(&search, "/legacy");
	search.legacy_file = NULL;
	expect_found(&search, "/scitokens.use");
	search.creds_dir = "/nonexistent";
	cr_expect_eq(find(&search), -EACCES);
}

Test(token_search, takes_a_named_token_first_then_the_others)
{
	struct token_search search = { .creds_dir = dir, .name = "my.site" };

	put("zz", GOOD);
	put(".hidden", GOOD);
	expect_found(&search, "/zz");
	put("aa.use", GOOD);
	expect_found(&search, "/aa.use");
	put("scitokens.use", GOOD);
	expect_found(&search, "/scitokens.use");
	put("my_site.use", GOOD);
	expect_found(&search, "/my_site.use");
	put("my.site.use", GOOD);
	expect_found(&search, "/my.site.use");
}

Test(token_search, passes_over_what_does_not_fit)
{
	struct token_search search = { .creds_dir = dir };

	put("a", EXPIRED);
	put("b", FOREIGN);
	put("c", NARROW);
	put("d", GOOD);
	expect_found(&search, "/d");
	/* the server knows better than we what a narrow one allows */
	unlink(path);
	expect_found(&search, "/c");
}

Test(token_search, takes_nothing_of_another_user_in_a_public_place)
{
	struct token_search search = { .temp_dir = dir, .uid = 12345 };

	put("bt_u12345", GOOD);
	cr_expect_eq(find(&search), -EACCES);
}

Test(token_search, says_what_is_wrong_and_never_the_token)
{
	static const struct {
		const char *claims;
		const char *words;
	} cases[] = {
		{ EXPIRED, "expired at 1970-01-12 13:46:39 UTC" },
		{ FOREIGN, "issuer https://b" },
		{ GOOD ",\"nbf\":1000001", "clock" },
	};
	struct token_search search = { .creds_dir = dir };

	cr_expect_eq(find(&search), -EACCES);
	cr_expect(strstr(err.text, "there is none in BEARER_TOKEN"), "%s",
		  err.text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put("a", cases[i].claims);
		cr_expect_eq(find(&search), -EACCES);
		cr_expect(strstr(err.text, cases[i].words), "%s", err.text);
		cr_expect(strstr(err.text, path), "%s", err.text);
		cr_expect_null(strstr(err.text, "e30."));
	}
}

Test(token_search, says_that_a_file_holds_no_token)
{
	struct token_search search = { .token = "not a token" };

	cr_expect_eq(find(&search), -EACCES);
	cr_expect(strstr(err.text, "BEARER_TOKEN holds no token"), "%s",
		  err.text);
}
