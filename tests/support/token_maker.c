/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/token_maker.h"

#include "fetch/base64.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void token_maker_format(const char *claims, char ret[TOKEN_MAKER_SIZE])
{
	char *payload = base64_encode(claims, strlen(claims));

	assert(payload);
	for (char *p = payload; *p; p++) {
		if (*p == '+')
			*p = '-';
		else if (*p == '/')
			*p = '_';
		else if (*p == '=')
			*p = '\0';
	}
	snprintf(ret, TOKEN_MAKER_SIZE, "e30.%s.c2ln", payload);
	free(payload);
}
