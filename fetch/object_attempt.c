/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object_attempt.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "fetch/object.h"
#include "fetch/object_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int object_attempt_create(struct object_request *request, struct object *object,
			  uint32_t tried, struct object_attempt **ret)
{
	struct object_attempt *attempt = calloc(1, sizeof(*attempt));
	int r = attempt ? object_choose_server(object, tried, clock_ms(),
					       &attempt->answer.to)
			: -ENOMEM;

	if (r != 0) {
		free(attempt);
		return r;
	}
	attempt->request = request;
	attempt->answer.object = object;
	*ret = attempt;
	return 0;
}

void object_attempt_destroy(struct object_attempt *attempt)
{
	if (!attempt)
		return;
	object_answer_fini(&attempt->answer);
	free(attempt);
}

int object_attempt_submit(struct object_attempt *attempt,
			  const struct object_request_spec *spec,
			  http_done_fn *done)
{
	struct object *object = attempt->answer.object;
	const struct object_choice *to = &attempt->answer.to;
	autofree char *authorization = NULL;
	struct http_header header = { "Authorization", NULL };
	struct http_request http = {
		.method = HTTP_GET,
		.url = to->url,
		.headers = &header,
		.has_range = true,
		.range_off = spec->off,
		.range_size = spec->size,
		.deadline_ms = spec->deadline_ms,
		.use_fresh_connection = to->is_fresh,
		.keeps_headers = true,
		.watch = &attempt->pace.watch,
	};
	int r;

	object_pace_start(&attempt->pace, clock_ms());
	r = object_copy_authorization(object, to->server, to->url,
				      &authorization);
	header.value = authorization;
	http.header_count = authorization ? 1 : 0;
	if (r == 0)
		r = http_client_submit(object->client, &http, done, attempt);
	if (authorization)
		explicit_bzero(authorization, strlen(authorization));
	return r;
}

void object_attempt_abandon(struct object_attempt *attempt)
{
	__atomic_store_n(&attempt->pace.watch.is_abandoned, true,
			 __ATOMIC_RELEASE);
}

bool object_attempt_watch(struct object_attempt *attempt, int64_t now_ms)
{
	enum object_pace_verdict verdict =
		object_pace_check(&attempt->pace, now_ms);

	if (verdict == OBJECT_PACE_STALLED) {
		attempt->is_stalled = true;
		object_attempt_abandon(attempt);
	}
	return verdict != OBJECT_PACE_GOOD;
}

int object_attempt_explain_stall(const struct object_attempt *attempt,
				 struct error *err)
{
	return error_set(err, -ETIMEDOUT,
			 "%s: it has sent nothing for %d s; "
			 "try again later",
			 attempt->answer.shown, OBJECT_PACE_STALL_MS / 1000);
}
