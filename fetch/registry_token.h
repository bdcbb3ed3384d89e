/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_token: a bearer token, how it is asked for and how long it holds
 * (distribution, "Token Authentication Specification" and "OAuth2").
 *
 * Threads: no shared state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auth_challenge;
struct buffer;
struct error;

enum {
	REGISTRY_TOKEN_SIZE_MAX = 64 << 10,
	REGISTRY_TOKEN_LIFE_S_DEFAULT = 60,
};

struct registry_token {
	char *text;	  /* owned; NULL: none */
	int64_t until_ms; /* holds before this, on clock_ms()'s clock */
	int64_t renew_ms; /* better renewed from here on */
};

void registry_token_fini(struct registry_token *token);

/**
 * registry_token_parse() - read a token server's answer
 * @now_ms: when it arrived: the life in the answer counts from here, whatever
 *          the server's clock says
 *
 * Takes "token", else "access_token"; "expires_in" in seconds, else 60.  It is
 * better renewed when a fifth of its life, 10 s at most, is left.
 *
 * Return: 0, -EPROTO (not such an answer; a token that no header can hold),
 * -ENOMEM.
 */
int registry_token_parse(const uint8_t *body, size_t size, int64_t now_ms,
			 struct registry_token *ret, struct error *err);

/** registry_token_is_valid() - whether it may be sent at @now_ms */
bool registry_token_is_valid(const struct registry_token *token,
			     int64_t now_ms);

/**
 * registry_token_build_url() - the GET that asks for a token
 * @challenge: its realm, service and scope
 * @account:   user name, or NULL
 * @url:       appended to, and terminated
 *
 * Return: 0, -EFBIG, -ENOMEM.
 */
int registry_token_build_url(const struct auth_challenge *challenge,
			     const char *account, struct buffer *url);

/** registry_token_build_form() - the POST's body for an identity token */
int registry_token_build_form(const struct auth_challenge *challenge,
			      const char *identity_token, struct buffer *form);
