/* SPDX-License-Identifier: Apache-2.0 */
#include "index/chunk_pass.h"

#include "common/byte_stream.h"
#include "common/error.h"
#include "index/index_writer.h"
#include "tests/support/memory_stream.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

enum { SIZE = 3 << 20 };

static uint8_t bytes[SIZE];
static unsigned seen;

static void count_chunk(void *arg, const struct chunk_ref *ref, const void *raw)
{
	(void)arg;
	cr_expect_eq(memcmp(raw, bytes + ref->stored_off, ref->raw_size), 0);
	seen++;
}

static bool cancel(void *arg, uint64_t done_size)
{
	(void)arg;
	return done_size < 2000000;
}

static struct index_writer_chunk plain(uint64_t off, uint32_t size)
{
	return (struct index_writer_chunk){
		.ref = {
			.codec = CODEC_RAW,
			.stored_off = off,
			.stored_size = size,
			.raw_size = size,
		},
	};
}

static int run(struct index_writer_chunk *chunks, uint32_t count, uint64_t size,
	       bool (*progress)(void *arg, uint64_t done_size),
	       struct digest *ret, struct error *err)
{
	struct byte_stream *stream = memory_stream_create(bytes, SIZE, 100000);
	const struct chunk_pass_options options = {
		.size = size,
		.chunk = count_chunk,
		.progress = progress,
	};
	int r = chunk_pass_run(stream, chunks, count, &options, ret, err);

	byte_stream_destroy(stream);
	return r;
}

static void set_up(void)
{
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	seen = 0;
}

Test(chunk_pass, gives_every_chunk_its_digest_and_one_to_the_whole,
     .init = set_up)
{
	struct index_writer_chunk chunks[] = {
		plain(0, 10),	   plain(5, 1 << 20),  plain(5, 20),
		plain(2 << 20, 1), plain(SIZE - 7, 7),
	};
	struct digest whole;
	struct digest expected;

	cr_assert_eq(run(chunks, 5, SIZE, NULL, &whole, NULL), 0);
	digest_compute(bytes, SIZE, &expected);
	cr_expect(digest_equal(&whole, &expected));
	for (size_t i = 0; i < 5; i++) {
		digest_compute(bytes + chunks[i].ref.stored_off,
			       chunks[i].ref.stored_size, &expected);
		cr_expect(digest_equal(&chunks[i].ref.digest, &expected));
	}
	cr_expect_eq(seen, 5);
}

Test(chunk_pass, refuses_what_does_not_decode, .init = set_up)
{
	struct index_writer_chunk chunks[] = { plain(100, 50) };
	struct error err = { 0 };
	struct digest whole;

	chunks[0].ref.codec = CODEC_ZLIB;
	cr_expect_eq(run(chunks, 1, SIZE, NULL, &whole, &err), -EBADMSG);
	cr_expect(strstr(err.text, "50 bytes at 100"), "%s", err.text);
}

Test(chunk_pass, refuses_an_object_of_another_size, .init = set_up)
{
	struct error err = { 0 };
	struct digest whole;

	cr_expect_eq(run(NULL, 0, SIZE + 1, NULL, &whole, &err), -EBADMSG);
	cr_expect_eq(run(NULL, 0, SIZE - 1, NULL, &whole, &err), -EBADMSG);
	cr_expect(strstr(err.text, "another size"), "%s", err.text);
}

Test(chunk_pass, stops_when_told, .init = set_up)
{
	struct digest whole;

	cr_expect_eq(run(NULL, 0, SIZE, cancel, &whole, NULL), -ECANCELED);
}
