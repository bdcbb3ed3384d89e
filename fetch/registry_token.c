/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_token.h"

#include "common/buffer.h"
#include "common/error.h"
#include "fetch/auth_challenge.h"
#include "fetch/url.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
	LIFE_S_MAX = 24 * 3600,
	MARGIN_MS_MAX = 10000,
};

static const char client_id[] = "lazyrun";

void registry_token_fini(struct registry_token *token)
{
	if (token->text)
		explicit_bzero(token->text, strlen(token->text));
	free(token->text);
	*token = (struct registry_token){ 0 };
}

/* RFC 6750's token68, less strictly: nothing that could end a header. */
static bool is_sendable(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > REGISTRY_TOKEN_SIZE_MAX)
		return false;
	for (const char *p = text; *p; p++)
		if (*p <= 0x20 || *p == 0x7f)
			return false;
	return true;
}

static int64_t read_life_s(json_t *root)
{
	json_t *member = json_object_get(root, "expires_in");
	json_int_t life_s = REGISTRY_TOKEN_LIFE_S_DEFAULT;

	if (json_is_number(member) && json_number_value(member) >= 1)
		life_s = json_number_value(member) < LIFE_S_MAX
				 ? (json_int_t)json_number_value(member)
				 : LIFE_S_MAX;
	return life_s;
}

static int take_token(json_t *root, int64_t now_ms, struct registry_token *ret,
		      struct error *err)
{
	const char *text = json_string_value(json_object_get(root, "token"));
	int64_t life_ms = read_life_s(root) * 1000;
	int64_t margin_ms = life_ms / 5;
	char *copy;

	if (!text || !*text)
		text = json_string_value(json_object_get(root, "access_token"));
	if (!text || !is_sendable(text))
		return error_set(err, -EPROTO,
				 "the token server's answer holds no token");
	copy = strdup(text);
	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	if (margin_ms > MARGIN_MS_MAX)
		margin_ms = MARGIN_MS_MAX;
	ret->text = copy;
	ret->until_ms = now_ms + life_ms;
	ret->renew_ms = ret->until_ms - margin_ms;
	return 0;
}

int registry_token_parse(const uint8_t *body, size_t size, int64_t now_ms,
			 struct registry_token *ret, struct error *err)
{
	json_t *root = json_loadb((const char *)body, size, 0, NULL);
	int r;

	if (json_is_object(root))
		r = take_token(root, now_ms, ret, err);
	else
		r = error_set(err, -EPROTO,
			      "the token server's answer is not JSON");
	json_decref(root);
	return r;
}

bool registry_token_is_valid(const struct registry_token *token, int64_t now_ms)
{
	return token->text && now_ms < token->until_ms;
}

static int add_parameter(struct buffer *buffer, const char *name,
			 const char *value)
{
	if (!value || !*value)
		return 0;
	return url_append_parameter(buffer, name, value);
}

int registry_token_build_url(const struct auth_challenge *challenge,
			     const char *account, struct buffer *url)
{
	const char *realm = challenge->realm;
	int r;

	assert(*realm);
	r = buffer_append(url, realm, strlen(realm));
	if (r == 0 && !strchr(realm, '?'))
		r = buffer_append(url, "?", 1);
	if (r == 0)
		r = add_parameter(url, "service", challenge->service);
	if (r == 0)
		r = add_parameter(url, "scope", challenge->scope);
	if (r == 0)
		r = add_parameter(url, "client_id", client_id);
	if (r == 0)
		r = add_parameter(url, "account", account);
	return r == 0 ? buffer_terminate(url) : r;
}

int registry_token_build_form(const struct auth_challenge *challenge,
			      const char *identity_token, struct buffer *form)
{
	int r;

	r = add_parameter(form, "grant_type", "refresh_token");
	if (r == 0)
		r = add_parameter(form, "service", challenge->service);
	if (r == 0)
		r = add_parameter(form, "client_id", client_id);
	if (r == 0)
		r = add_parameter(form, "scope", challenge->scope);
	if (r == 0)
		r = add_parameter(form, "refresh_token", identity_token);
	return r == 0 ? buffer_terminate(form) : r;
}
