/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object_round.h"

#include "common/error.h"
#include "fetch/object.h"
#include "fetch/object_answer.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

void object_round_reset(struct object_round *round)
{
	*round = (struct object_round){ .retry_after_ms = -1 };
}

void object_round_note(struct object_round *round, int code,
		       const struct error *err, int64_t retry_after_ms)
{
	size_t len = strlen(round->trail);

	assert(code < 0);
	round->was_refused |= code == -EACCES;
	if (retry_after_ms > round->retry_after_ms)
		round->retry_after_ms = retry_after_ms;
	if (round->code == 0 || object_answer_is_final(round->code) ||
	    !object_answer_is_final(code))
		round->code = code;
	snprintf(round->trail + len, sizeof(round->trail) - len, "%s%s",
		 len ? "; " : "", err->text);
}

int object_round_explain(const struct object_round *round,
			 struct object *object, struct error *err)
{
	char note[OBJECT_NOTE_SIZE];

	assert(round->code < 0);
	if (!round->was_refused)
		return error_set(err, round->code, "%s", round->trail);
	object_copy_token_note(object, note);
	return error_set(err, round->code, "%s; %s", round->trail,
			 *note ? note : "check the name, or ask for access");
}
