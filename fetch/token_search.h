/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * token_search: a bearer token for an object of a federation, looked for where
 * Pelican's client looks, in its order:
 *
 *	$BEARER_TOKEN			the token itself
 *	$BEARER_TOKEN_FILE
 *	$XDG_RUNTIME_DIR/bt_u<uid>	WLCG Bearer Token Discovery
 *	/tmp/bt_u<uid>			if it is the user's own
 *	$TOKEN				a file, too
 *	$_CONDOR_CREDS, else ./.condor_creds: <name>.use of a named token,
 *	scitokens.use, then every other file that is not hidden
 *
 * The first that bearer_token_check() finds good is taken.  If none is, the
 * first whose only fault is that it cannot be judged, or is too narrow (the
 * server knows better), but never one of another issuer or one that is over.
 * The reference client sends the first in any case.
 *
 * Files are read each time: HTCondor rewrites them in place.
 *
 * Threads: no shared state; reads files.
 */
#include "fetch/bearer_token.h"

struct error;

enum { TOKEN_SEARCH_SOURCE_SIZE = 512 };

/* Where to look; NULL: not there. */
struct token_search {
	const char *token;	 /* BEARER_TOKEN */
	const char *token_file;	 /* BEARER_TOKEN_FILE */
	const char *runtime_dir; /* XDG_RUNTIME_DIR */
	const char *temp_dir;	 /* "/tmp" */
	const char *legacy_file; /* TOKEN */
	const char *creds_dir;	 /* _CONDOR_CREDS, or ".condor_creds" */
	const char *name;	 /* of a named token, "igwn"; else NULL */
	unsigned uid;
};

/** token_search_init() - the places of this process's environment; strings
 * stay the environment's */
void token_search_init(struct token_search *search, const char *name);

/**
 * token_search_find() - the token to use
 * @ret:        bearer_token_fini() releases it
 * @ret_source: where it was, for people: "BEARER_TOKEN", "/tmp/bt_u1000"
 *
 * Return: 0; -EACCES with @err saying what was found and is wrong with it
 * (missing, expired, for another path, of another issuer) and what to do;
 * -ENOMEM.
 */
int token_search_find(const struct token_search *search,
		      const struct bearer_token_need *need, int64_t wall_s,
		      struct bearer_token *ret,
		      char ret_source[TOKEN_SEARCH_SOURCE_SIZE],
		      struct error *err);
