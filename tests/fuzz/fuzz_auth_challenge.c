/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header value from any server: it must end, stay in bounds, and leave
 * strings that are terminated and free of control characters.
 */
#include "fetch/auth_challenge.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t size)
{
	assert(memchr(text, '\0', size));
	for (; *text; text++)
		assert((unsigned char)*text >= 0x20 && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct auth_challenge challenge;
	char *value = strndup((const char *)data, size);
	const char *const values[] = { value, NULL };
	const char *cursor = value;

	if (!value)
		return 0;
	while (auth_challenge_next(&cursor, &challenge) ==
	       AUTH_CHALLENGE_FOUND) {
		assert(cursor > value && cursor <= value + strlen(value));
		check_text(challenge.realm, sizeof(challenge.realm));
		check_text(challenge.service, sizeof(challenge.service));
		check_text(challenge.scope, sizeof(challenge.scope));
		check_text(challenge.error, sizeof(challenge.error));
	}
	if (auth_challenge_choose(values, &challenge) == AUTH_CHALLENGE_FOUND)
		assert(challenge.scheme != AUTH_SCHEME_OTHER);
	free(value);
	return 0;
}
