/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token file: what comes of it is one word of printable characters, and
 * judging it stays in bounds.
 */
#include "fetch/bearer_token.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const issuers[] = { "https://a/", "" };
	static const char *const base_paths[] = { "/ns", "/" };
	const struct bearer_token_need need = {
		.path = "/ns/a",
		.issuers = issuers,
		.issuer_count = 2,
		.base_paths = base_paths,
		.base_path_count = 2,
	};
	struct bearer_token token = { 0 };

	if (bearer_token_parse((const char *)data, size, &token) < 0)
		return 0;
	assert(*token.text && strlen(token.text) <= BEARER_TOKEN_SIZE_MAX);
	for (const char *p = token.text; *p; p++)
		assert(*p > 0x20 && *p < 0x7f);
	assert(token.issuer && token.scope);
	(void)bearer_token_check(&token, &need, 1000000);
	bearer_token_fini(&token);
	return 0;
}
