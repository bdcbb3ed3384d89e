/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_token_request.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "fetch/auth_challenge.h"
#include "fetch/credentials.h"
#include "fetch/registry_token.h"
#include "fetch/url.h"

#include <errno.h>
#include <string.h>

enum {
	TIMEOUT_MS = 20000,
	ANSWER_SIZE_MAX = 256 << 10,
	URL_SIZE_MAX = 16 << 10,
	FORM_SIZE_MAX = 256 << 10,
};

static bool is_safe(const struct registry_token_request *request)
{
	const struct credentials *credentials = request->credentials;
	struct url realm = { 0 };
	bool is_safe;

	if (!credentials->user && !credentials->identity_token)
		return true;
	if (url_parse(request->challenge->realm, &realm) < 0)
		return false;
	is_safe = request->allows_http || strcmp(realm.scheme, "https") == 0 ||
		  url_host_is_loopback(realm.host);
	url_fini(&realm);
	return is_safe;
}

static int build(const struct registry_token_request *request,
		 struct buffer *url, struct buffer *form, char **ret_header)
{
	const struct credentials *credentials = request->credentials;
	const struct auth_challenge *challenge = request->challenge;
	int r;

	if (credentials->identity_token && !request->avoids_post) {
		r = buffer_append(url, challenge->realm,
				  strlen(challenge->realm) + 1);
		if (r < 0)
			return r;
		return registry_token_build_form(
			challenge, credentials->identity_token, form);
	}
	r = registry_token_build_url(challenge, credentials->user, url);
	if (r == 0 && credentials->user && credentials->password)
		r = credentials_make_basic(credentials, ret_header);
	return r;
}

int registry_token_request_start(struct http_client *client,
				 const struct registry_token_request *request,
				 http_done_fn *done, void *arg)
{
	CLEANUP(buffer_fini) struct buffer url = BUFFER_INIT(URL_SIZE_MAX);
	CLEANUP(buffer_fini) struct buffer form = BUFFER_INIT(FORM_SIZE_MAX);
	autofree char *header = NULL;
	struct http_header headers[1] = { { "Authorization", NULL } };
	struct http_request http = {
		.headers = headers,
		.body_size_max = ANSWER_SIZE_MAX,
		.deadline_ms = clock_ms() + TIMEOUT_MS,
	};
	int r;

	if (!is_safe(request))
		return -EACCES;
	r = build(request, &url, &form, &header);
	if (r < 0)
		return r;
	headers[0].value = header;
	http.header_count = header ? 1 : 0;
	http.url = (const char *)url.data;
	if (form.size) {
		http.method = HTTP_POST;
		http.body = (const char *)form.data;
	}
	r = http_client_submit(client, &http, done, arg);
	if (header)
		explicit_bzero(header, strlen(header));
	if (form.size)
		explicit_bzero(form.data, form.size);
	return r;
}
