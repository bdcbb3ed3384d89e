/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_round: one round of an object_request over the object's servers: whom
 * it asked, what they did, and what that comes to.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>
#include <stdint.h>

struct error;
struct object;

enum { OBJECT_ROUND_TEXT_SIZE = 900 };

struct object_round {
	uint32_t tried; /* a bit for each server's number */
	bool has_hedged;
	bool was_refused;	/* by 401 or 403, of any server */
	int64_t retry_after_ms; /* the longest wished for; -1: none was */
	int code;		/* 0: nothing failed yet */
	char trail[OBJECT_ROUND_TEXT_SIZE];
};

/** object_round_reset() - before the first server is asked */
void object_round_reset(struct object_round *round);

/**
 * object_round_note() - a server has failed
 * @code:           the round's is the last one that is not final, else what
 *                  the last one did (object_answer_is_final())
 * @err:            its sentence; without what to do about a refused token,
 *                  which object_round_explain() says once
 * @retry_after_ms: -1: nothing said
 */
void object_round_note(struct object_round *round, int code,
		       const struct error *err, int64_t retry_after_ms);

/**
 * object_round_explain() - what all that failed comes to
 *
 * Return: round->code, which is not 0, with @err set.
 */
int object_round_explain(const struct object_round *round,
			 struct object *object, struct error *err);
