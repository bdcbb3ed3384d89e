/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_attempt: one request of an object_request to one server: on its way,
 * watched, broken off when it stalls or has lost.
 *
 * Threads: the network thread alone.
 */
#include "fetch/http_client.h"
#include "fetch/object_answer.h"
#include "fetch/object_pace.h"

#include <stdbool.h>
#include <stdint.h>

struct error;
struct object;
struct object_request;
struct object_request_spec;

struct object_attempt {
	struct object_request *request; /* whose it is; borrowed */
	struct object_answer answer;	/* with the server, answer.to */
	struct object_pace pace;
	bool is_stalled;
};

/**
 * object_attempt_create() - at the server to ask next; nothing is sent yet
 * @tried: a bit for each server's number: not these
 *
 * Return: 0; OBJECT_NO_SERVER (all were tried, @ret untouched); -ENOMEM.
 */
int object_attempt_create(struct object_request *request, struct object *object,
			  uint32_t tried, struct object_attempt **ret);

/** object_attempt_destroy() - not while it is on its way */
void object_attempt_destroy(struct object_attempt *attempt);

/**
 * object_attempt_submit() - send it to where answer.to says
 * @done: called with the attempt, once, if this is 0
 *
 * Return: 0, or as http_client_submit().
 */
int object_attempt_submit(struct object_attempt *attempt,
			  const struct object_request_spec *spec,
			  http_done_fn *done);

/** object_attempt_abandon() - break it off; `done` is still called */
void object_attempt_abandon(struct object_attempt *attempt);

/**
 * object_attempt_watch() - how it comes on; breaks it off when it has stalled
 *
 * Return: whether another server should be asked too.
 */
bool object_attempt_watch(struct object_attempt *attempt, int64_t now_ms);

/** object_attempt_explain_stall() - -ETIMEDOUT, @err set */
int object_attempt_explain_stall(const struct object_attempt *attempt,
				 struct error *err);
