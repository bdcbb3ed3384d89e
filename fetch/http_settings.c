/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http_settings.h"

#include "fetch/http_client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ACTIVE_MAX = 256 };

static const struct http_client_options defaults = {
	.connections_per_host = 8,
	.connections_max = 32,
	.connect_timeout_ms = 5000,
	.first_byte_timeout_ms = 20000,
	.progress_timeout_ms = 10000,
	.user_agent = "lazyrun/0.1",
};

static int64_t given_or(int64_t given, int64_t otherwise)
{
	assert(given >= 0);
	return given ? given : otherwise;
}

static int copy_string(const char *text, char **ret)
{
	if (!text || !*text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* The names that curl(1) and OpenSSL know. */
static int read_environment(struct http_settings *settings)
{
	const char *bundle = getenv("CURL_CA_BUNDLE");
	int r;

	if (!bundle || !*bundle)
		bundle = getenv("SSL_CERT_FILE");
	r = copy_string(bundle, &settings->ca_file);
	if (r < 0)
		return r;
	return copy_string(getenv("SSL_CERT_DIR"), &settings->ca_folder);
}

int http_settings_init(struct http_settings *settings,
		       const struct http_client_options *options)
{
	const struct http_client_options *given = options ? options : &defaults;
	int r;

	*settings = (struct http_settings){ 0 };
	settings->active_per_origin_max = (unsigned)given_or(
		given->connections_per_host, defaults.connections_per_host);
	settings->active_max = (unsigned)given_or(given->connections_max,
						  defaults.connections_max);
	settings->connect_timeout_ms = given_or(given->connect_timeout_ms,
						defaults.connect_timeout_ms);
	settings->first_byte_timeout_ms = given_or(
		given->first_byte_timeout_ms, defaults.first_byte_timeout_ms);
	settings->progress_timeout_ms = given_or(given->progress_timeout_ms,
						 defaults.progress_timeout_ms);
	assert(settings->active_max <= ACTIVE_MAX);
	settings->observed = given->observed;
	settings->observed_arg = given->observed_arg;
	r = copy_string(given->user_agent ? given->user_agent
					  : defaults.user_agent,
			&settings->user_agent);
	return r < 0 ? r : read_environment(settings);
}

void http_settings_fini(struct http_settings *settings)
{
	free(settings->user_agent);
	free(settings->ca_file);
	free(settings->ca_folder);
	*settings = (struct http_settings){ 0 };
}
