/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/pelican_object.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "fetch/bearer_token.h"
#include "fetch/cache_preference.h"
#include "fetch/object.h"
#include "fetch/pelican_answer.h"
#include "fetch/pelican_federation.h"
#include "fetch/pelican_url.h"
#include "fetch/token_search.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIND_TIMEOUT_MS = 60000 };

struct pelican_object {
	struct pelican_object_options options; /* its text is not used again */
	struct pelican_url url;
	struct cache_preference preference;
	struct pelican_federation federation; /* base NULL: not found yet */
	struct pelican_namespace namespace;   /* of the last answer */
	char *authorization;		      /* NULL: no token in use */
	bool director_wants_token;
};

const char *pelican_object_federation(void)
{
	static const char *const names[] = {
		"LAZYRUN_FEDERATION",
		"PELICAN_FEDERATION_DISCOVERYURL",
		"PELICAN_FEDERATION_URL",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return value;
	}
	return NULL;
}

static void clear_secret(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void pelican_object_destroy(struct pelican_object *self)
{
	if (!self)
		return;
	pelican_url_fini(&self->url);
	cache_preference_fini(&self->preference);
	pelican_federation_fini(&self->federation);
	clear_secret(&self->authorization);
	free(self);
}

int pelican_object_create(const char *url,
			  const struct pelican_object_options *options,
			  struct pelican_object **ret, struct error *err)
{
	struct pelican_object *self = calloc(1, sizeof(*self));
	const char *federation = options->federation;
	int r;

	if (!self)
		return error_set(err, -ENOMEM, "out of memory");
	self->options = *options;
	if (!federation)
		federation = pelican_object_federation();
	r = pelican_url_parse(url, federation, &self->url, err);
	if (r == 0 && options->preferred_caches)
		r = cache_preference_parse(options->preferred_caches,
					   &self->preference, err);
	else if (r == 0)
		r = cache_preference_load(&self->preference, err);
	if (r < 0)
		pelican_object_destroy(self);
	else
		*ret = self;
	return r;
}

const char *pelican_object_name(const struct pelican_object *self)
{
	return self->url.name;
}

/* ---- servers ---- */

static int add_server(struct pelican_object *self, struct object *object,
		      const char *base, bool is_direct, unsigned *count,
		      struct error *err)
{
	autofree char *url = NULL;
	int r;

	if (!pelican_federation_may_use(base, self->options.allow_http))
		return 0;
	if (asprintf(&url, "%s%s", base, self->url.escaped_path) < 0) {
		url = NULL;
		return error_set(err, -ENOMEM, "out of memory");
	}
	r = object_add_server(object, url, is_direct);
	if (r == -ENOMEM)
		return error_set(err, r, "out of memory");
	++*count;
	return 0;
}

static int add_preferred(struct pelican_object *self, struct object *object,
			 unsigned *count, struct error *err)
{
	int r = 0;

	for (unsigned i = 0; i < self->preference.count && r == 0; i++)
		r = add_server(self, object, self->preference.bases[i], false,
			       count, err);
	return r;
}

static int add_answer(struct pelican_object *self, struct object *object,
		      const struct pelican_answer *answer, bool is_direct,
		      unsigned *count, struct error *err)
{
	int r = 0;

	for (unsigned i = 0; i < answer->bases.count && r == 0; i++)
		r = add_server(self, object, answer->bases.urls[i], is_direct,
			       count, err);
	return r;
}

static int ask_director(struct pelican_object *self,
			const struct pelican_access *access, bool is_direct,
			bool is_fresh, struct pelican_answer *ret,
			struct error *err)
{
	const struct pelican_question question = {
		.director = self->federation.director,
		.url = &self->url,
		.is_direct = is_direct,
		.is_fresh = is_fresh,
		.authorization =
			self->director_wants_token ? self->authorization : NULL,
	};
	int r = pelican_answer_ask(access, &question, ret, err);

	if (r == 0)
		self->namespace = ret->namespace;
	return r;
}

static bool has_only_preferred(const struct pelican_object *self)
{
	return self->preference.count > 0 && !self->preference.adds_directors;
}

static int add_caches(struct pelican_object *self, struct object *object,
		      const struct pelican_access *access, bool is_fresh,
		      unsigned *count, struct error *err)
{
	struct pelican_answer *answer = calloc(1, sizeof(*answer));
	int r = answer ? 0 : error_set(err, -ENOMEM, "out of memory");

	if (r == 0)
		r = add_preferred(self, object, count, err);
	if (r == 0) {
		r = ask_director(self, access, false, is_fresh, answer, err);
		if (r == 0 && !has_only_preferred(self))
			r = add_answer(self, object, answer, false, count, err);
		/* with caches of one's own, reads go on without a director */
		else if (r < 0 && r != -ENOENT && r != -EACCES && *count > 0)
			r = 0;
	}
	if (answer)
		pelican_answer_fini(answer);
	free(answer);
	return r;
}

static int add_origins(struct pelican_object *self, struct object *object,
		       const struct pelican_access *access, unsigned *count,
		       struct error *err)
{
	struct pelican_answer *answer = calloc(1, sizeof(*answer));
	int r = answer ? 0 : error_set(err, -ENOMEM, "out of memory");

	if (r == 0)
		r = ask_director(self, access, true, false, answer, err);
	if (r == 0)
		r = add_answer(self, object, answer, true, count, err);
	if (answer)
		pelican_answer_fini(answer);
	free(answer);
	return r;
}

static int add_servers(struct pelican_object *self, struct object *object,
		       unsigned wishes, const struct pelican_access *access,
		       unsigned *count, struct error *err)
{
	bool wants_caches = wishes & (OBJECT_WISH_SERVERS | OBJECT_WISH_FRESH);
	bool wants_origins = wishes & OBJECT_WISH_DIRECT;
	int r = 0;

	if (!self->federation.director) /* a lone origin serves itself */
		return add_server(self, object, self->federation.base, true,
				  count, err);
	if (self->url.is_direct) {
		wants_origins |= wants_caches;
		wants_caches = false;
	}
	if (wants_caches)
		r = add_caches(self, object, access, wishes & OBJECT_WISH_FRESH,
			       count, err);
	if (wants_origins && r == 0)
		r = add_origins(self, object, access, count, err);
	if (r == 0 && *count == 0)
		return error_set(err, -EACCES,
				 "%s: all its servers are reached by plain "
				 "http, which lets anybody on the way change "
				 "the bytes; pass --insecure to allow it",
				 self->url.name);
	return r;
}

/* ---- tokens ---- */

static int set_authorization(struct pelican_object *self, struct object *object,
			     const struct bearer_token *token, const char *note,
			     struct error *err)
{
	clear_secret(&self->authorization);
	if (asprintf(&self->authorization, "Bearer %s", token->text) < 0) {
		self->authorization = NULL;
		return error_set(err, -ENOMEM, "out of memory");
	}
	if (object_set_authorization(object, self->authorization,
				     token->until_s, note) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

/* What to say when the token is refused. */
static void make_note(const struct pelican_object *self,
		      const struct bearer_token *token, const char *source,
		      enum bearer_token_fault fault, char *ret, size_t size)
{
	if (fault == BEARER_TOKEN_NARROW)
		snprintf(ret, size,
			 "the token in %.150s is for another path: it allows "
			 "\"%.150s\"; get one that allows to read %.200s",
			 source, token->scope, self->url.path);
	else if (token->is_jwt && *token->audience)
		snprintf(ret, size,
			 "the token in %.200s, for audience \"%.150s\", was "
			 "refused; get a new one that these servers take, or "
			 "ask for access",
			 source, token->audience);
	else
		snprintf(ret, size,
			 "the token in %.200s was refused; get a new one, or "
			 "ask for access",
			 source);
}

static int find_token(struct pelican_object *self, struct object *object,
		      struct error *err)
{
	const struct pelican_namespace *ns = &self->namespace;
	struct bearer_token token CLEANUP(bearer_token_fini) = { 0 };
	const char *issuers[PELICAN_HEADER_ISSUERS_MAX];
	const char *bases[PELICAN_HEADER_BASE_PATHS_MAX];
	struct bearer_token_need need = {
		.path = self->url.path,
		.issuers = issuers,
		.issuer_count = ns->issuer_count,
		.base_paths = bases,
		.base_path_count = ns->base_path_count,
	};
	char source[TOKEN_SEARCH_SOURCE_SIZE];
	struct token_search search;
	char note[OBJECT_NOTE_SIZE];
	int r;

	for (unsigned i = 0; i < ns->issuer_count; i++)
		issuers[i] = ns->issuers[i];
	for (unsigned i = 0; i < ns->base_path_count; i++)
		bases[i] = ns->base_paths[i];
	if (need.base_path_count == 0 && *ns->path) {
		bases[0] = ns->path;
		need.base_path_count = 1;
	}
	token_search_init(&search, self->url.token_name);
	r = token_search_find(&search, &need, clock_wall_s(), &token, source,
			      err);
	if (r < 0)
		return error_prefix(err, r, "%s", self->url.name);
	make_note(self, &token, source,
		  bearer_token_check(&token, &need, clock_wall_s()), note,
		  sizeof(note));
	return set_authorization(self, object, &token, note, err);
}

/* ---- finding ---- */

static int find_servers(struct pelican_object *self, struct object *object,
			unsigned wishes, const struct pelican_access *access,
			struct error *err)
{
	unsigned count = 0;
	int r = 0;

	if (!self->federation.base)
		r = pelican_federation_find(access, self->url.federation,
					    &self->federation, err);
	if (r < 0)
		return error_prefix(err, r, "%s", self->url.name);
	r = add_servers(self, object, wishes, access, &count, err);
	/* some directors want to see a token before they say anything */
	if (r != -EACCES || self->director_wants_token || count > 0)
		return r;
	if (!self->authorization && find_token(self, object, NULL) < 0)
		return r;
	self->director_wants_token = true;
	return add_servers(self, object, wishes, access, &count, err);
}

int pelican_object_find(void *arg, struct object *object, unsigned wishes,
			struct http_watch *watch, struct error *err)
{
	struct pelican_object *self = arg;
	const struct pelican_access access = {
		.client = self->options.client,
		.cache_dir_fd = self->options.cache_dir_fd,
		.allow_http = self->options.allow_http,
		.watch = watch,
		.deadline_ms = clock_ms() + FIND_TIMEOUT_MS,
	};
	int r = 0;

	if (wishes & ~(unsigned)OBJECT_WISH_TOKEN)
		r = find_servers(self, object, wishes, &access, err);
	if (r < 0)
		return r;
	if ((wishes & OBJECT_WISH_TOKEN) ||
	    (self->namespace.requires_token && !self->authorization))
		return find_token(self, object, err);
	return 0;
}
