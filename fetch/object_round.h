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

enum { OBJECT_ROUND_TEXT_SIZE = 768, OBJECT_ROUND_ADVICE_SIZE = 200 };

struct object_round {
	uint32_t tried;		/* a bit for each server's number */
	bool has_asked_twice;	/* the same server, for want of others */
	bool was_refused;	/* by 401 or 403, of any server */
	int64_t retry_after_ms; /* the longest wished for; -1: none was */
	int code;		/* 0: nothing failed yet */
	char trail[OBJECT_ROUND_TEXT_SIZE];    /* the causes so far ... */
	char advice[OBJECT_ROUND_ADVICE_SIZE]; /* ... and what to do about the
						  last of them */
};

/** object_round_reset() - before the first server is asked */
void object_round_reset(struct object_round *round);

/**
 * object_round_note() - a server has failed
 * @code:           the round's is the last one that is not final, else what
 *                  the last one did (object_answer_is_final())
 * @err:            its sentence, "cause; what to do".  A cause that was noted
 *                  already is not noted again; what to do is said once for all
 *                  servers in a row of which it is the same
 * @retry_after_ms: -1: nothing said
 */
void object_round_note(struct object_round *round, int code,
		       const struct error *err, int64_t retry_after_ms);

/**
 * object_round_explain() - what all that failed comes to: "cause; cause; what
 * to do", and of a refused token what is wrong with it
 *
 * Return: round->code, which is not 0, with @err set.
 */
int object_round_explain(const struct object_round *round,
			 struct object *object, struct error *err);
