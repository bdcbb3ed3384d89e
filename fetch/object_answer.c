/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object_answer.h"

#include "common/clock.h"
#include "common/error.h"
#include "fetch/http_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void object_answer_fini(struct object_answer *answer)
{
	free(answer->to.url);
	answer->to.url = NULL;
	object_redirect_fini(&answer->redirect);
}

bool object_answer_is_final(int code)
{
	return code == -ENOENT || code == -EACCES || code == -ENOTSUP ||
	       code == -ESTALE || code == -EKEYREJECTED || code == -EINVAL;
}

bool object_answer_is_lasting(int code)
{
	return code == -ENOTSUP || code == -ESTALE;
}

static int follow(struct object_answer *answer,
		  const struct http_response *response, struct error *err)
{
	char *location;
	int r = object_redirect_follow(&answer->redirect, response, err);

	if (r < 0)
		return r;
	location = strdup(answer->redirect.url);
	if (!location)
		return error_set(err, -ENOMEM, "out of memory");
	free(answer->to.url);
	answer->to.url = location;
	answer->to.is_remembered = false;
	object_note_redirect(answer->object, answer->to.server, location,
			     clock_ms(), clock_wall_s());
	return OBJECT_ANSWER_ASK_AGAIN;
}

/* Signed URLs die in many words; where it came from there may be a new one. */
static bool is_dead_url(const struct object_answer *answer, int status)
{
	return answer->to.is_remembered &&
	       (status == 400 || status == 401 || status == 403 ||
		status == 404 || status == 410);
}

static int go_back(struct object_answer *answer, struct error *err)
{
	char *url = object_copy_url(answer->object, answer->to.server);

	if (!url)
		return error_set(err, -ENOMEM, "out of memory");
	object_note_redirect(answer->object, answer->to.server, NULL, 0, 0);
	free(answer->to.url);
	answer->to.url = url;
	answer->to.is_remembered = false;
	return OBJECT_ANSWER_ASK_AGAIN;
}

static int set_status(const struct object_answer *answer, int status,
		      struct error *err)
{
	switch (status) {
	case 200:
		return error_set(err, -ENOTSUP,
				 "%s: the server ignores byte ranges and sends "
				 "whole files, so it cannot be read lazily; "
				 "download the file instead",
				 answer->shown);
	case 401:
	case 403:
		return error_set(err, -EACCES,
				 "%s: access refused with status %d",
				 answer->shown, status);
	case 404:
	case 410:
		return error_set(err, -ENOENT,
				 "%s: no such object; check the name",
				 answer->shown);
	case 416:
		return error_set(err, -ESTALE,
				 "%s: it is shorter than it was, or empty; "
				 "start again to use the new version",
				 answer->shown);
	case 408:
	case 429:
		return error_set(err, -EBUSY,
				 "%s: too busy (status %d); try again later",
				 answer->shown, status);
	default:
		if (status >= 500)
			return error_set(err, -EIO,
					 "%s: the server fails with status %d; "
					 "try again later",
					 answer->shown, status);
		return error_set(err, -EPROTO,
				 "%s: answered with status %d, which lazyrun "
				 "has no use for",
				 answer->shown, status);
	}
}

int object_answer_read(struct object_answer *answer, int result,
		       struct http_response *response,
		       const struct error *cause, struct error *err)
{
	answer->retry_after_ms = -1;
	url_redact(answer->to.url, answer->shown);
	if (result < 0) {
		*err = *cause;
		/* a broken way may be that of a stale redirect */
		object_note_redirect(answer->object, answer->to.server, NULL, 0,
				     0);
		return result;
	}
	if (response->status == 206)
		return object_accept(answer->object, response, err);
	if (object_redirect_is_one(response->status))
		return follow(answer, response, err);
	if (is_dead_url(answer, response->status))
		return go_back(answer, err);
	answer->retry_after_ms = response->retry_after_ms;
	return set_status(answer, response->status, err);
}
