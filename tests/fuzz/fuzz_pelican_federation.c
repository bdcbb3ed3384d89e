/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A discovery document from any host, and an answer of a director as it was
 * remembered: a good one must be the same after another round.
 */
#include "fetch/pelican_federation.h"

#include "fetch/pelican_answer.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(const char *text)
{
	struct pelican_answer *answer = calloc(1, sizeof(*answer));
	struct pelican_answer *again = calloc(1, sizeof(*again));
	char *encoded;

	if (!answer || !again)
		abort();
	if (pelican_answer_decode(text, answer) == 0) {
		encoded = pelican_answer_encode(answer);
		assert(encoded);
		assert(pelican_answer_decode(encoded, again) == 0);
		assert(strcmp(answer->namespace.path, again->namespace.path) ==
		       0);
		assert(answer->bases.count == again->bases.count);
		pelican_answer_fini(again);
		pelican_answer_fini(answer);
		free(encoded);
	}
	free(answer);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	char *director = NULL;

	if (!text)
		abort();
	if (pelican_federation_parse((const char *)data, size, &director) ==
		    0 &&
	    director) {
		size_t len = strlen(director);

		assert(len == 0 || director[len - 1] != '/');
		assert(!strpbrk(director, "?#\r\n"));
	}
	check_answer(text);
	free(director);
	free(text);
	return 0;
}
