/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * token_maker: JWTs with the claims a test wants, and no signature.
 */

enum { TOKEN_MAKER_SIZE = 4096 };

/** token_maker_format() - "e30.<claims>.c2ln"
 * @claims: JSON of the payload */
void token_maker_format(const char *claims, char ret[TOKEN_MAKER_SIZE]);
