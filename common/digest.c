/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA256_Init() and its like, which OpenSSL 3 would rather not show, are the
 * same code as EVP's without its set-up: the first EVP call of a process reads
 * openssl.cnf and fills tables of providers, 1 ms in which a job could have
 * started.  Given valid pointers they cannot fail.
 */
#define OPENSSL_API_COMPAT 10100 /* before they were deprecated */

#include "common/digest.h"

#include "common/digest_lanes.h"
#include "common/error.h"

#include <assert.h>
#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

struct digest_stream {
	SHA256_CTX ctx;
};

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int digest_parse(const char *text, struct digest *ret, struct error *err)
{
	struct digest digest;
	const char *colon = strchr(text, ':');

	if (!colon || colon == text)
		return error_set(err, -EINVAL, "\"%.80s\" is not a digest",
				 text);
	if (strncmp(text, "sha256:", 7) != 0)
		return error_set(err, -ENOTSUP,
				 "digest algorithm \"%.*s\" is not supported, "
				 "only sha256 is",
				 (int)(colon - text > 32 ? 32 : colon - text),
				 text);
	text = colon + 1;
	if (strlen(text) != 2 * DIGEST_SIZE)
		return error_set(err, -EINVAL,
				 "a sha256 digest has 64 hex digits, not %zu",
				 strlen(text));
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		int high = hex_value(text[2 * i]);
		int low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return error_set(err, -EINVAL,
					 "\"%.80s\" has a character that is "
					 "not a lower-case hex digit",
					 text);
		digest.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret = digest;
	return 0;
}

void digest_format_hex(const struct digest *digest, char ret[DIGEST_HEX_SIZE])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		ret[2 * i] = hex[digest->bytes[i] >> 4];
		ret[2 * i + 1] = hex[digest->bytes[i] & 15];
	}
	ret[2 * DIGEST_SIZE] = '\0';
}

void digest_format(const struct digest *digest, char ret[DIGEST_TEXT_SIZE])
{
	memcpy(ret, "sha256:", 7);
	digest_format_hex(digest, ret + 7);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

bool digest_is_zero(const struct digest *digest)
{
	static const struct digest zero;

	return digest_equal(digest, &zero);
}

void digest_compute(const void *data, size_t size, struct digest *ret)
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, data, size);
	SHA256_Final(ret->bytes, &ctx);
}

struct digest_stream *digest_stream_create(void)
{
	struct digest_stream *stream = malloc(sizeof(*stream));

	if (stream)
		SHA256_Init(&stream->ctx);
	return stream;
}

void digest_stream_destroy(struct digest_stream *stream)
{
	free(stream);
}

void digest_stream_update(struct digest_stream *stream, const void *data,
			  size_t size)
{
	SHA256_Update(&stream->ctx, data, size);
}

/* The bytes until the context's next whole block starts, of @size at most. */
static size_t size_to_block(const SHA256_CTX *ctx, size_t size)
{
	size_t missing = (SHA256_CBLOCK - ctx->num) % SHA256_CBLOCK;

	return missing < size ? missing : size;
}

/* The blocks went into ctx->h behind OpenSSL's back; it counts bits. */
static void count_blocks(SHA256_CTX *ctx, size_t count)
{
	uint64_t bits = (uint64_t)ctx->Nh << 32 | ctx->Nl;

	bits += (uint64_t)count * SHA256_CBLOCK * 8;
	ctx->Nh = (SHA_LONG)(bits >> 32);
	ctx->Nl = (SHA_LONG)bits;
}

void digest_stream_update_two(struct digest_stream *a, const void *a_data,
			      size_t a_size, struct digest_stream *b,
			      const void *b_data, size_t b_size)
{
	size_t a_done = size_to_block(&a->ctx, a_size);
	size_t b_done = size_to_block(&b->ctx, b_size);
	size_t a_blocks = (a_size - a_done) / SHA256_CBLOCK;
	size_t b_blocks = (b_size - b_done) / SHA256_CBLOCK;
	size_t count = a_blocks < b_blocks ? a_blocks : b_blocks;
	const uint8_t *a_bytes = a_data;
	const uint8_t *b_bytes = b_data;

	assert(a != b);
	if (count > 0 && digest_lanes_are_usable()) {
		SHA256_Update(&a->ctx, a_bytes, a_done);
		SHA256_Update(&b->ctx, b_bytes, b_done);
		digest_lanes_update(a->ctx.h, a_bytes + a_done, b->ctx.h,
				    b_bytes + b_done, count);
		count_blocks(&a->ctx, count);
		count_blocks(&b->ctx, count);
		a_done += count * SHA256_CBLOCK;
		b_done += count * SHA256_CBLOCK;
	} else {
		a_done = 0;
		b_done = 0;
	}
	SHA256_Update(&a->ctx, a_bytes + a_done, a_size - a_done);
	SHA256_Update(&b->ctx, b_bytes + b_done, b_size - b_done);
}

void digest_stream_finish(struct digest_stream *stream, struct digest *ret)
{
	SHA256_Final(ret->bytes, &stream->ctx);
	SHA256_Init(&stream->ctx);
}
