/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object_identity.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/http_client.h"
#include "fetch/http_range.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void object_identity_fini(struct object_identity *identity)
{
	free(identity->name);
	free(identity->etag);
	free(identity->last_modified);
	*identity = (struct object_identity){ 0 };
}

static bool copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return !text || *ret;
}

int object_identity_copy(const struct object_identity *identity,
			 struct object_identity *ret)
{
	struct object_identity copy CLEANUP(object_identity_fini) = { 0 };

	copy.size = identity->size;
	if (!copy_text(identity->name, &copy.name) ||
	    !copy_text(identity->etag, &copy.etag) ||
	    !copy_text(identity->last_modified, &copy.last_modified))
		return -ENOMEM;
	*ret = copy;
	copy = (struct object_identity){ 0 };
	return 0;
}

/* A weak validator says that two versions mean the same, not that their bytes
 * are (RFC 9110, section 8.8.1). */
static const char *find_etag(const struct http_response *response)
{
	const char *etag = http_response_find_header(response, "ETag", 0);

	return etag && *etag == '"' ? etag : NULL;
}

static const char *find_time(const struct http_response *response)
{
	return http_response_find_header(response, "Last-Modified", 0);
}

static bool find_total(const struct http_response *response, uint64_t *ret)
{
	const char *value =
		http_response_find_header(response, "Content-Range", 0);
	struct http_range range;

	if (!value || http_range_parse(value, &range) < 0 || !range.has_total)
		return false;
	*ret = range.total;
	return true;
}

int object_identity_settle(struct object_identity *identity,
			   const struct http_response *response,
			   struct error *err)
{
	uint64_t size;

	if (!find_total(response, &size))
		return error_set(err, -EPROTO,
				 "%s: the server does not tell the size of the "
				 "whole (no total in Content-Range)",
				 identity->name);
	if (!copy_text(find_etag(response), &identity->etag) ||
	    !copy_text(find_time(response), &identity->last_modified))
		return error_set(err, -ENOMEM, "out of memory");
	identity->size = size;
	return 0;
}

static int refuse(const struct object_identity *identity, const char *what,
		  const char *now, const char *then, struct error *err)
{
	return error_set(err, -ESTALE,
			 "%s: it was replaced while in use (%s is %.80s, was "
			 "%.80s); start again to use the new version",
			 identity->name, what, now, then);
}

static bool differ(const char *a, const char *b)
{
	return a && b && strcmp(a, b) != 0;
}

int object_identity_check(const struct object_identity *identity,
			  const struct http_response *response,
			  bool checks_validators, struct error *err)
{
	const char *etag = find_etag(response);
	const char *time = find_time(response);
	uint64_t size;
	char sizes[2][24];

	if (find_total(response, &size) && size != identity->size) {
		snprintf(sizes[0], sizeof(sizes[0]), "%" PRIu64, size);
		snprintf(sizes[1], sizeof(sizes[1]), "%" PRIu64,
			 identity->size);
		return refuse(identity, "its size", sizes[0], sizes[1], err);
	}
	if (!checks_validators)
		return 0;
	if (differ(etag, identity->etag))
		return refuse(identity, "its ETag", etag, identity->etag, err);
	if (differ(time, identity->last_modified))
		return refuse(identity, "its Last-Modified", time,
			      identity->last_modified, err);
	return 0;
}
