/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/token_search.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	CREDS_FILES_MAX = 64,
	FAULTS = BEARER_TOKEN_UNKNOWN + 1,
	TIME_SIZE = 32,
};

struct candidate {
	struct bearer_token token;
	char source[TOKEN_SEARCH_SOURCE_SIZE];
};

/* The search under way: the first candidate of each kind. */
struct finding {
	const struct bearer_token_need *need;
	int64_t wall_s;
	bool is_over; /* a good one was found */
	bool has[FAULTS];
	struct candidate first[FAULTS];
	char unreadable[TOKEN_SEARCH_SOURCE_SIZE]; /* "" when none was */
};

void token_search_init(struct token_search *search, const char *name)
{
	const char *creds_dir = getenv("_CONDOR_CREDS");

	*search = (struct token_search){
		.token = getenv("BEARER_TOKEN"),
		.token_file = getenv("BEARER_TOKEN_FILE"),
		.runtime_dir = getenv("XDG_RUNTIME_DIR"),
		.temp_dir = "/tmp",
		.legacy_file = getenv("TOKEN"),
		.creds_dir = creds_dir ? creds_dir : ".condor_creds",
		.name = name,
		.uid = (unsigned)getuid(),
	};
}

static void take(struct finding *finding, const char *source, const char *text,
		 size_t size)
{
	struct bearer_token token = { 0 };
	enum bearer_token_fault fault;

	if (bearer_token_parse(text, size, &token) < 0) {
		if (size > 0 && !*finding->unreadable)
			snprintf(finding->unreadable,
				 sizeof(finding->unreadable), "%s", source);
		return;
	}
	fault = bearer_token_check(&token, finding->need, finding->wall_s);
	finding->is_over = fault == BEARER_TOKEN_GOOD;
	if (finding->has[fault]) {
		bearer_token_fini(&token);
		return;
	}
	finding->has[fault] = true;
	finding->first[fault].token = token;
	snprintf(finding->first[fault].source,
		 sizeof(finding->first[fault].source), "%s", source);
}

/* Not somebody else's, where anybody may put a file. */
static bool is_own(const char *path, unsigned uid)
{
	struct stat status;

	return stat(path, &status) == 0 && status.st_uid == uid;
}

static void take_file(struct finding *finding, const char *path)
{
	struct buffer buffer CLEANUP(buffer_fini) =
		BUFFER_INIT(BEARER_TOKEN_SIZE_MAX);

	if (finding->is_over || io_read_file(AT_FDCWD, path, &buffer, NULL) < 0)
		return;
	take(finding, path, (char *)buffer.data, buffer.size);
	if (buffer.size)
		explicit_bzero(buffer.data, buffer.size);
}

static void take_in(struct finding *finding, const char *dir, const char *name,
		    const char *suffix)
{
	char path[TOKEN_SEARCH_SOURCE_SIZE];

	if (snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix) <
	    (int)sizeof(path))
		take_file(finding, path);
}

static void take_user_file(struct finding *finding, const char *dir,
			   unsigned uid, bool must_own)
{
	char path[TOKEN_SEARCH_SOURCE_SIZE];

	if (!dir || snprintf(path, sizeof(path), "%s/bt_u%u", dir, uid) >=
			    (int)sizeof(path))
		return;
	if (!must_own || is_own(path, uid))
		take_file(finding, path);
}

static void take_named(struct finding *finding, const char *dir,
		       const char *name)
{
	char other[128];

	take_in(finding, dir, name, ".use");
	if (snprintf(other, sizeof(other), "%s", name) >= (int)sizeof(other))
		return;
	for (char *p = other; *p; p++)
		if (*p == '.')
			*p = '_';
	if (strcmp(other, name) != 0)
		take_in(finding, dir, other, ".use");
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void take_all(struct finding *finding, const char *dir)
{
	struct dirent **entries = NULL;
	int count = scandir(dir, &entries, is_visible, alphasort);

	for (int i = 0; i < count; i++) {
		if (i < CREDS_FILES_MAX)
			take_in(finding, dir, entries[i]->d_name, "");
		free(entries[i]);
	}
	free(entries);
}

static void search_all(const struct token_search *search,
		       struct finding *finding)
{
	if (search->token && *search->token)
		take(finding, "BEARER_TOKEN", search->token,
		     strlen(search->token));
	if (search->token_file)
		take_file(finding, search->token_file);
	take_user_file(finding, search->runtime_dir, search->uid, false);
	take_user_file(finding, search->temp_dir, search->uid, true);
	if (search->legacy_file)
		take_file(finding, search->legacy_file);
	if (!search->creds_dir)
		return;
	if (search->name)
		take_named(finding, search->creds_dir, search->name);
	take_in(finding, search->creds_dir, "scitokens", ".use");
	take_all(finding, search->creds_dir);
}

/* ---- what to say when there is none ---- */

static void format_time(int64_t time_s, char ret[TIME_SIZE])
{
	time_t time = (time_t)time_s;
	struct tm tm;

	if (!gmtime_r(&time, &tm) ||
	    strftime(ret, TIME_SIZE, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(ret, TIME_SIZE, "%lld", (long long)time_s);
}

static int explain(const struct finding *finding, struct error *err)
{
	const struct bearer_token_need *need = finding->need;
	const struct candidate *expired = &finding->first[BEARER_TOKEN_EXPIRED];
	const struct candidate *foreign = &finding->first[BEARER_TOKEN_FOREIGN];
	char until[TIME_SIZE];

	format_time(expired->token.until_s, until);
	if (finding->has[BEARER_TOKEN_EXPIRED] &&
	    expired->token.from_s > finding->wall_s)
		return error_set(err, -EACCES,
				 "the token in %s is not valid yet; check this "
				 "machine's clock",
				 expired->source);
	if (finding->has[BEARER_TOKEN_EXPIRED])
		return error_set(err, -EACCES,
				 "the token in %s expired at %s; get a new one "
				 "(a job's are renewed by HTCondor, your own "
				 "by the command you got it with)",
				 expired->source, until);
	if (finding->has[BEARER_TOKEN_FOREIGN])
		return error_set(err, -EACCES,
				 "the token in %s is of issuer %.200s, and "
				 "%.200s is needed; get one from there",
				 foreign->source, foreign->token.issuer,
				 need->issuers[0]);
	if (*finding->unreadable)
		return error_set(err, -EACCES,
				 "%s holds no token; get a new one%s%.200s",
				 finding->unreadable,
				 need->issuer_count ? " from " : "",
				 need->issuer_count ? need->issuers[0] : "");
	return error_set(
		err, -EACCES,
		"a token is needed, and there is none in BEARER_TOKEN, "
		"BEARER_TOKEN_FILE, XDG_RUNTIME_DIR, /tmp, TOKEN or "
		"_CONDOR_CREDS; get one%s%.200s, or name it in the "
		"submit file (use_oauth_services)",
		need->issuer_count ? " from " : "",
		need->issuer_count ? need->issuers[0] : "");
}

int token_search_find(const struct token_search *search,
		      const struct bearer_token_need *need, int64_t wall_s,
		      struct bearer_token *ret,
		      char ret_source[TOKEN_SEARCH_SOURCE_SIZE],
		      struct error *err)
{
	static const enum bearer_token_fault usable[] = { BEARER_TOKEN_GOOD,
							  BEARER_TOKEN_UNKNOWN,
							  BEARER_TOKEN_NARROW };
	struct finding *finding = calloc(1, sizeof(*finding));
	int r = 1;

	if (!finding)
		return error_set(err, -ENOMEM, "out of memory");
	finding->need = need;
	finding->wall_s = wall_s;
	search_all(search, finding);
	for (size_t i = 0; i < 3 && r > 0; i++) {
		struct candidate *candidate = &finding->first[usable[i]];

		if (!finding->has[usable[i]])
			continue;
		*ret = candidate->token;
		candidate->token = (struct bearer_token){ 0 };
		memcpy(ret_source, candidate->source, TOKEN_SEARCH_SOURCE_SIZE);
		r = 0;
	}
	if (r > 0)
		r = explain(finding, err);
	for (size_t i = 0; i < FAULTS; i++)
		bearer_token_fini(&finding->first[i].token);
	free(finding);
	return r;
}
