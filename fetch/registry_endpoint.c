/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_endpoint.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/registry_auth.h"
#include "fetch/url.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HTTPS_PORT = 443 };

static bool holds_only(const char *text, const char *also)
{
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr(also, *p))
			return false;
	return *text != '\0';
}

/* The reference's grammar is image/'s; here it is about what a URL means. */
static int check_options(const struct registry_options *options,
			 struct error *err)
{
	if (!holds_only(options->host, ".-_:[]"))
		return error_set(err, -EINVAL,
				 "\"%.100s\" is not the name of a registry",
				 options->host);
	if (!holds_only(options->repository, "._-/") ||
	    options->repository[0] == '/' || strstr(options->repository, ".."))
		return error_set(err, -EINVAL,
				 "\"%.200s\" is not the name of a repository",
				 options->repository);
	return 0;
}

static int choose_scheme(struct registry_endpoint *endpoint, bool allow_http,
			 struct error *err)
{
	struct url url = { 0 };
	autofree char *text = NULL;
	bool is_loopback;
	int r;

	if (asprintf(&text, "https://%s/", endpoint->host) < 0) {
		text = NULL;
		return error_set(err, -ENOMEM, "out of memory");
	}
	r = url_parse(text, &url);
	if (r < 0)
		return error_set(err, r,
				 "\"%.100s\" is not the name of a "
				 "registry",
				 endpoint->host);
	is_loopback = url_host_is_loopback(url.host);
	/* Without a port written, loopback means http's own. */
	endpoint->is_http =
		is_loopback && (allow_http || url.port != HTTPS_PORT ||
				!strstr(endpoint->host, ":443"));
	endpoint->is_scheme_sure = !endpoint->is_http && !allow_http;
	url_fini(&url);
	return 0;
}

static int fill(struct registry_endpoint *endpoint,
		const struct registry_options *options, struct error *err)
{
	const struct registry_auth_options auth_options = {
		.host = options->host,
		.auth_key =
			options->auth_key ? options->auth_key : options->host,
		.repository = options->repository,
		.allows_http = options->allow_http,
	};
	int r;

	endpoint->host = strdup(options->host);
	endpoint->repository = strdup(options->repository);
	if (!endpoint->host || !endpoint->repository)
		return error_set(err, -ENOMEM, "out of memory");
	r = choose_scheme(endpoint, options->allow_http, err);
	if (r < 0)
		return r;
	r = registry_auth_create(endpoint->client, &auth_options,
				 &endpoint->auth);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

int registry_endpoint_create(struct http_client *client,
			     const struct registry_options *options,
			     struct registry_endpoint **ret, struct error *err)
{
	struct registry_endpoint *endpoint;
	int r = check_options(options, err);

	if (r < 0)
		return r;
	endpoint = calloc(1, sizeof(*endpoint));
	if (!endpoint)
		return error_set(err, -ENOMEM, "out of memory");
	endpoint->client = client;
	endpoint->refs = 1;
	r = fill(endpoint, options, err);
	if (r < 0) {
		registry_endpoint_unref(endpoint);
		return r;
	}
	*ret = endpoint;
	return 0;
}

struct registry_endpoint *registry_endpoint_ref(
	struct registry_endpoint *endpoint)
{
	__atomic_fetch_add(&endpoint->refs, 1, __ATOMIC_RELAXED);
	return endpoint;
}

void registry_endpoint_unref(struct registry_endpoint *endpoint)
{
	if (__atomic_sub_fetch(&endpoint->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	registry_auth_unref(endpoint->auth);
	free(endpoint->host);
	free(endpoint->repository);
	free(endpoint);
}

char *registry_endpoint_make_url(const struct registry_endpoint *endpoint,
				 const char *kind, const char *reference)
{
	char *url = NULL;

	if (asprintf(&url, "%s://%s/v2/%s/%s/%s",
		     endpoint->is_http ? "http" : "https", endpoint->host,
		     endpoint->repository, kind, reference) < 0)
		return NULL;
	return url;
}

bool registry_endpoint_owns(const struct registry_endpoint *endpoint,
			    const char *url)
{
	autofree char *own_text = registry_endpoint_make_url(endpoint, "", "");
	struct url own = { 0 };
	struct url other = { 0 };
	bool is_same = own_text && url_parse(own_text, &own) == 0 &&
		       url_parse(url, &other) == 0 &&
		       url_is_same_origin(&own, &other);

	url_fini(&own);
	url_fini(&other);
	return is_same;
}

bool registry_endpoint_switch_scheme(struct registry_endpoint *endpoint)
{
	if (endpoint->is_scheme_sure)
		return false;
	endpoint->is_http = !endpoint->is_http;
	endpoint->is_scheme_sure = true;
	return true;
}

char *registry_endpoint_name(const struct registry_endpoint *endpoint,
			     const char *reference)
{
	const char *mark = strchr(reference, ':') ? "@" : ":";
	char *name = NULL;

	if (asprintf(&name, "%s/%s%s%s", endpoint->host, endpoint->repository,
		     *reference ? mark : "", reference) < 0)
		return NULL;
	return name;
}
