/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_answer: what a server's answer to one request for a range means: the
 * range, a redirect to ask again at, or a failure and how much it says.
 *
 * Threads: one at a time.
 */
#include "fetch/object.h"
#include "fetch/object_redirect.h"
#include "fetch/url.h"

#include <stdbool.h>
#include <stdint.h>

struct error;
struct http_response;

struct object_answer {
	struct object *object;	 /* borrowed */
	struct object_choice to; /* a redirect replaces its URL */
	struct object_redirect redirect;
	int64_t retry_after_ms;	       /* of a failure; -1: nothing said */
	char shown[URL_REDACTED_SIZE]; /* of a failure: to.url for people */
};

enum {
	OBJECT_ANSWER_TAKEN = 0,
	OBJECT_ANSWER_ASK_AGAIN = 1, /* to.url has changed */
};

/**
 * object_answer_read() - judge the answer to a request
 * @result, @response, @cause: as http_done_fn() gives them
 *
 * Return: OBJECT_ANSWER_TAKEN: @response has the range, and it is of the
 * object; OBJECT_ANSWER_ASK_AGAIN; or a failure as object_request_fn(), with
 * @err set.
 */
int object_answer_read(struct object_answer *answer, int result,
		       struct http_response *response,
		       const struct error *cause, struct error *err);
void object_answer_fini(struct object_answer *answer);

/** object_answer_is_final() - whether asking that server again is in vain */
bool object_answer_is_final(int code);

/** object_answer_is_lasting() - whether that server is unfit for good */
bool object_answer_is_lasting(int code);
