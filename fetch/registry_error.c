/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_error.h"

#include "common/error.h"
#include "fetch/http_client.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 256 };

/* {"errors": [{"code": "...", "message": "..."}]}; "" without a message. */
static void find_message(const struct http_response *response,
			 char ret[MESSAGE_SIZE])
{
	json_t *root = json_loadb((const char *)response->body,
				  response->body_size, 0, NULL);
	json_t *first = json_array_get(json_object_get(root, "errors"), 0);
	const char *message =
		json_string_value(json_object_get(first, "message"));

	ret[0] = '\0';
	if (message && *message)
		snprintf(ret, MESSAGE_SIZE, " (the server says: %s)", message);
	json_decref(root);
}

int registry_error_set_status(const struct http_response *response,
			      const char *what, const char *host,
			      struct error *err)
{
	char message[MESSAGE_SIZE];
	int status = response->status;

	find_message(response, message);
	if ((status == 404 || status == 410) && strchr(what, '@'))
		return error_set(err, -ENOENT,
				 "%s: the registry has no such content; was it "
				 "deleted there?",
				 what);
	if (status == 404 || status == 410)
		return error_set(err, -ENOENT,
				 "%s: no such image or tag; check the name, or "
				 "log in with `docker login %s` when it is "
				 "private",
				 what, host);
	if (status == 401 || status == 403)
		return error_set(err, -EACCES,
				 "%s: access refused with status %d%s; log in "
				 "with `docker login %s`, or ask for access",
				 what, status, message, host);
	if (status == 405)
		return error_set(err, -EROFS,
				 "%s: the server takes no uploads%s; is it a "
				 "read-only registry or a mirror?",
				 what, message);
	if (status == 429)
		return error_set(err, -EBUSY,
				 "%s: too many requests for the server's "
				 "limit%s; wait a while, or log in with "
				 "`docker login %s` for a higher one",
				 what, message, host);
	if (status >= 500)
		return error_set(err, -EIO,
				 "%s: the server fails with status %d%s; try "
				 "again later",
				 what, status, message);
	return error_set(err, -EPROTO,
			 "%s: the server answered with status %d%s, which "
			 "lazyrun has no use for",
			 what, status, message);
}

bool registry_error_is_passing(int status)
{
	return status == 408 || status == 429 ||
	       (status >= 500 && status != 501 && status != 505);
}

bool registry_error_is_of_url(int status)
{
	return status == 400 || status == 401 || status == 403 ||
	       status == 404 || status == 410;
}
