/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * bearer_token: what a token says of itself: who issued it, until when it
 * holds, what it allows.
 *
 * A JWT (RFC 7519) with the claims of WLCG Common JWT Profiles 1.0 or of
 * SciTokens 2.0; its signature is the server's to check.  A token that is no
 * JWT says nothing, and is carried all the same.
 *
 * Threads: no shared state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum { BEARER_TOKEN_SIZE_MAX = 32 << 10 };

struct bearer_token {
	char *text;	/* the token itself; owned, as the next three */
	bool is_jwt;	/* the rest is known */
	char *issuer;	/* "" when not said */
	char *scope;	/* words parted by blanks; "" when not said */
	char *audience; /* whom it is for, parted by blanks; "" when not said */
	bool has_profile; /* claims wlcg.ver, or ver of scitokens:2.0 */
	int64_t from_s;	  /* since 1970; 0 when not said */
	int64_t until_s;  /* INT64_MAX when not said */
};

/**
 * bearer_token_parse() - the contents of a token file or variable
 * @size: blanks and newlines around it do not count
 *
 * The token itself, or JSON with "access_token".  Return: 0; -EINVAL (empty,
 * not one word of printable characters); -EFBIG; -ENOMEM.
 */
int bearer_token_parse(const char *text, size_t size, struct bearer_token *ret);

/** bearer_token_fini() - wipes it, too */
void bearer_token_fini(struct bearer_token *token);

/* What a namespace wants of a token. */
struct bearer_token_need {
	const char *path;	    /* of the object, decoded */
	const char *const *issuers; /* any of them; none: any at all */
	size_t issuer_count;
	const char *const *base_paths; /* scopes begin below one of them */
	size_t base_path_count;
};

enum bearer_token_fault {
	BEARER_TOKEN_GOOD,
	BEARER_TOKEN_EXPIRED, /* or about to, or not valid yet */
	BEARER_TOKEN_FOREIGN, /* of another issuer */
	BEARER_TOKEN_NARROW,  /* allows to read something else */
	BEARER_TOKEN_UNKNOWN, /* no JWT, or of no profile that is known */
};

/**
 * bearer_token_check() - whether it should open an object
 * @wall_s: now; directors refuse what ends within 10 s
 */
enum bearer_token_fault bearer_token_check(const struct bearer_token *token,
					   const struct bearer_token_need *need,
					   int64_t wall_s);
