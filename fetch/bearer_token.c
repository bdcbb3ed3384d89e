/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/bearer_token.h"

#include "common/cleanup.h"
#include "fetch/base64.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MARGIN_S = 10 };

/* -- the text -- */

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		p++;
	return p;
}

/* One word, so that it can stand in a header. */
static bool is_word(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)p[i] <= 0x20 || (unsigned char)p[i] > 0x7e)
			return false;
	return len > 0;
}

static int copy_word(const char *p, size_t len, char **ret)
{
	if (!is_word(p, len))
		return -EINVAL;
	*ret = strndup(p, len);
	return *ret ? 0 : -ENOMEM;
}

static int read_text(const char *p, size_t len, char **ret)
{
	json_t *root;
	const char *word;
	int r;

	if (len == 0 || *p != '{')
		return copy_word(p, len, ret);
	root = json_loadb(p, len, 0, NULL);
	word = json_string_value(json_object_get(root, "access_token"));
	r = word ? copy_word(word, strlen(word), ret) : -EINVAL;
	json_decref(root);
	return r;
}

/* -- the claims -- */

/* base64url (RFC 4648, section 5) of the middle part, as plain base64 */
static char *copy_payload(const char *text)
{
	const char *start = strchr(text, '.');
	const char *end = start ? strchr(start + 1, '.') : NULL;
	char *copy;

	if (!end || strchr(end + 1, '.'))
		return NULL;
	copy = strndup(start + 1, (size_t)(end - start - 1));
	for (char *p = copy; p && *p; p++) {
		if (*p == '-')
			*p = '+';
		else if (*p == '_')
			*p = '/';
	}
	return copy;
}

static json_t *load_claims(const char *text)
{
	autofree char *payload = copy_payload(text);
	autofree char *bytes = NULL;
	json_t *root;
	size_t size;

	if (!payload || base64_decode(payload, &bytes, &size) < 0)
		return NULL;
	root = json_loadb(bytes, size, 0, NULL);
	if (!json_is_object(root)) {
		json_decref(root);
		return NULL;
	}
	return root;
}

static int64_t read_time(const json_t *root, const char *name,
			 int64_t otherwise)
{
	const json_t *value = json_object_get(root, name);
	double number;

	if (!json_is_number(value))
		return otherwise;
	number = json_number_value(value);
	return number >= 0 && number < 1e15 ? (int64_t)number : otherwise;
}

static char *copy_claim(const json_t *root, const char *name)
{
	const char *value = json_string_value(json_object_get(root, name));

	return strdup(value ? value : "");
}

/* Of a list of strings, parted by blanks; "" of anything else. */
static char *copy_list(const json_t *list)
{
	size_t len = 0;
	size_t i;
	json_t *item;
	char *words;

	json_array_foreach (list, i, item)
		len += json_string_length(item) + 1;
	words = calloc(1, len + 1);
	len = 0;
	json_array_foreach (list, i, item) {
		if (!words || !json_is_string(item))
			continue;
		if (len > 0)
			words[len++] = ' ';
		memcpy(words + len, json_string_value(item),
		       json_string_length(item));
		len += json_string_length(item);
	}
	return words;
}

/* RFC 8693 has one string; older SciTokens have a list under "scp". */
static char *copy_scope(const json_t *root)
{
	const json_t *list = json_object_get(root, "scp");

	if (json_string_length(json_object_get(root, "scope")) == 0 &&
	    json_is_array(list))
		return copy_list(list);
	return copy_claim(root, "scope");
}

/* RFC 7519, section 4.1.3: one, or a list */
static char *copy_audience(const json_t *root)
{
	const json_t *list = json_object_get(root, "aud");

	return json_is_array(list) ? copy_list(list) : copy_claim(root, "aud");
}

static bool has_profile(const json_t *root)
{
	const char *version = json_string_value(json_object_get(root, "ver"));

	if (json_object_get(root, "wlcg.ver"))
		return true;
	return version && (strncasecmp(version, "scitokens:2.0", 13) == 0 ||
			   strncasecmp(version, "scitoken:2.0", 12) == 0);
}

static int read_claims(struct bearer_token *token)
{
	json_t *root = load_claims(token->text);

	token->until_s = INT64_MAX;
	token->is_jwt = root;
	token->issuer = copy_claim(root, "iss");
	token->scope = copy_scope(root);
	token->audience = copy_audience(root);
	if (root) {
		token->has_profile = has_profile(root);
		token->from_s = read_time(root, "nbf", 0);
		token->until_s = read_time(root, "exp", INT64_MAX);
	}
	json_decref(root);
	return token->issuer && token->scope && token->audience ? 0 : -ENOMEM;
}

int bearer_token_parse(const char *text, size_t size, struct bearer_token *ret)
{
	struct bearer_token token CLEANUP(bearer_token_fini) = { 0 };
	const char *end = text + size;
	const char *start = skip_blanks(text, end);
	int r;

	if (size > BEARER_TOKEN_SIZE_MAX)
		return -EFBIG;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	r = read_text(start, (size_t)(end - start), &token.text);
	if (r == 0)
		r = read_claims(&token);
	if (r < 0)
		return r;
	*ret = token;
	token = (struct bearer_token){ 0 };
	return 0;
}

void bearer_token_fini(struct bearer_token *token)
{
	if (token->text)
		explicit_bzero(token->text, strlen(token->text));
	free(token->text);
	free(token->issuer);
	free(token->scope);
	free(token->audience);
	*token = (struct bearer_token){ 0 };
}

/* -- the check -- */

/* Whole parts: "/a" leads to "/a/b", not to "/ab". */
static bool is_prefix(const char *prefix, size_t len, const char *path)
{
	while (len > 0 && prefix[len - 1] == '/')
		len--;
	return strncmp(path, prefix, len) == 0 &&
	       (path[len] == '/' || path[len] == '\0');
}

static bool word_allows(const char *word, size_t len, const char *path)
{
	static const char *const verbs[] = { "storage.read:", "read:" };

	for (size_t i = 0; i < 2; i++) {
		size_t verb_len = strlen(verbs[i]);

		if (len < verb_len || strncmp(word, verbs[i], verb_len) != 0)
			continue;
		return is_prefix(word + verb_len, len - verb_len, path);
	}
	return false;
}

static bool scope_allows(const char *scope, const char *path)
{
	while (*(scope += strspn(scope, " "))) {
		size_t len = strcspn(scope, " ");

		if (word_allows(scope, len, path))
			return true;
		scope += len;
	}
	return false;
}

static bool allows(const struct bearer_token *token,
		   const struct bearer_token_need *need)
{
	for (size_t i = 0; i < need->base_path_count; i++) {
		const char *base = need->base_paths[i];
		size_t len = strlen(base);

		while (len > 0 && base[len - 1] == '/')
			len--;
		if (is_prefix(base, len, need->path) &&
		    scope_allows(token->scope,
				 need->path[len] ? need->path + len : "/"))
			return true;
	}
	return need->base_path_count == 0 &&
	       scope_allows(token->scope, need->path);
}

static bool is_issued_by(const char *issuer, const char *wanted)
{
	size_t len = strlen(wanted);

	/* one is often written with a slash at its end */
	while (len > 0 && wanted[len - 1] == '/')
		len--;
	return strncmp(issuer, wanted, len) == 0 &&
	       strspn(issuer + len, "/") == strlen(issuer + len);
}

static bool is_foreign(const struct bearer_token *token,
		       const struct bearer_token_need *need)
{
	for (size_t i = 0; i < need->issuer_count; i++)
		if (is_issued_by(token->issuer, need->issuers[i]))
			return false;
	return need->issuer_count > 0;
}

enum bearer_token_fault bearer_token_check(const struct bearer_token *token,
					   const struct bearer_token_need *need,
					   int64_t wall_s)
{
	if (!token->is_jwt)
		return BEARER_TOKEN_UNKNOWN;
	if (is_foreign(token, need))
		return BEARER_TOKEN_FOREIGN;
	if (token->until_s - MARGIN_S <= wall_s || token->from_s > wall_s)
		return BEARER_TOKEN_EXPIRED;
	if (!token->has_profile)
		return BEARER_TOKEN_UNKNOWN;
	return allows(token, need) ? BEARER_TOKEN_GOOD : BEARER_TOKEN_NARROW;
}
