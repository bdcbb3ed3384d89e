/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_redirect: the storage URL that a registry sent a blob's reader to,
 * for as long as its signature holds.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>
#include <stdint.h>

struct registry_redirect {
	char *url;	  /* owned; NULL: none known */
	int64_t until_ms; /* on clock_ms()'s clock */
};

void registry_redirect_fini(struct registry_redirect *redirect);

/**
 * registry_redirect_set() - remember a URL that has just arrived
 * @wall_s: seconds since 1970, which signatures are dated in
 *
 * Its life is read from X-Amz-Date and X-Amz-Expires (AWS Signature 4),
 * Expires (CloudFront, Google) or se (Azure SAS), less a fifth of it, at most
 * 10 s; without them, or when the clocks disagree so much that it seems over,
 * 60 s are assumed.  Out of memory: forgotten.
 */
void registry_redirect_set(struct registry_redirect *redirect, const char *url,
			   int64_t now_ms, int64_t wall_s);

/** registry_redirect_find() - the URL, or NULL when none holds at @now_ms */
const char *registry_redirect_find(const struct registry_redirect *redirect,
				   int64_t now_ms);

/** registry_redirect_life_s() - seconds a URL received at @wall_s will hold */
int64_t registry_redirect_life_s(const char *url, int64_t wall_s);

/** registry_redirect_is_allowed() - whether a redirect may be followed: never
 * from https to http, nor to what is no web address */
bool registry_redirect_is_allowed(const char *from, const char *to);
