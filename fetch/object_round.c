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

static void add(struct object_round *round, const char *text)
{
	size_t used = strlen(round->trail);

	snprintf(round->trail + used, sizeof(round->trail) - used, "%s%s",
		 used ? "; " : "", text);
}

static bool has(const struct object_round *round, const char *cause)
{
	size_t len = strlen(cause);

	for (const char *p = round->trail; (p = strstr(p, cause)); p++)
		if (p[len] == '\0' || p[len] == ';')
			return true;
	return false;
}

/* After the last semicolon; NULL: the sentence has no such part. */
static const char *find_advice(const char *text)
{
	const char *found = NULL;

	for (const char *p = text; (p = strstr(p, "; ")); p++)
		found = p;
	return found;
}

static void note_text(struct object_round *round, const char *text)
{
	char cause[ERROR_TEXT_SIZE];
	const char *end = find_advice(text);
	const char *advice = end ? end + 2 : "";

	snprintf(cause, sizeof(cause), "%.*s",
		 (int)(end ? (size_t)(end - text) : strlen(text)), text);
	if (has(round, cause))
		return;
	if (*round->advice && strcmp(round->advice, advice) != 0)
		add(round, round->advice);
	add(round, cause);
	snprintf(round->advice, sizeof(round->advice), "%s", advice);
}

void object_round_note(struct object_round *round, int code,
		       const struct error *err, int64_t retry_after_ms)
{
	assert(code < 0);
	round->was_refused |= code == -EACCES;
	if (retry_after_ms > round->retry_after_ms)
		round->retry_after_ms = retry_after_ms;
	if (round->code == 0 || object_answer_is_final(round->code) ||
	    !object_answer_is_final(code))
		round->code = code;
	note_text(round, err->text);
}

int object_round_explain(const struct object_round *round,
			 struct object *object, struct error *err)
{
	char note[OBJECT_NOTE_SIZE] = "";

	assert(round->code < 0);
	if (round->was_refused) {
		object_copy_token_note(object, note);
		if (!*note && !*round->advice)
			snprintf(note, sizeof(note),
				 "check the name, or ask for access");
	}
	return error_set(err, round->code, "%s%s%s%s%s", round->trail,
			 *round->advice ? "; " : "", round->advice,
			 *note ? "; " : "", note);
}
