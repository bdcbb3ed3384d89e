/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes are kept from the first chunk that still needs them to the last that
 * was read: two reads' worth and a chunk, for chunks come in the order of
 * their places.
 */
#include "index/chunk_pass.h"

#include "common/byte_stream.h"
#include "common/cleanup.h"
#include "common/codec.h"
#include "common/error.h"
#include "index/index_writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	READ_SIZE = 1 << 20,
	WINDOW_SIZE = CHUNK_STORED_SIZE_MAX + 2 * READ_SIZE,
};

struct pass {
	const struct chunk_pass_options *options;
	struct byte_stream *stream;
	struct codec_context *codec;
	struct digest_stream *whole;
	uint8_t *window; /* bytes [off, off + size) of the object */
	uint64_t off;
	size_t size;
	uint8_t *raw; /* a decoded chunk */
	size_t raw_size;
	struct error *err;
};

static void pass_fini(struct pass *pass)
{
	free(pass->window);
	free(pass->raw);
	if (pass->whole)
		digest_stream_destroy(pass->whole);
	codec_context_destroy(pass->codec);
}

static int fail_size(const struct pass *pass)
{
	return error_set(pass->err, -EBADMSG,
			 "the object has another size than the %llu bytes that "
			 "it had; it changed meanwhile: try again",
			 (unsigned long long)pass->options->size);
}

/* Reads on; what is before @keep_off may be dropped. */
static int read_more(struct pass *pass, uint64_t keep_off)
{
	ssize_t n;

	if (keep_off > pass->off) {
		uint64_t gone = keep_off - pass->off;

		if (gone > pass->size)
			gone = pass->size;
		pass->size -= gone;
		memmove(pass->window, pass->window + gone, pass->size);
		pass->off += gone;
	}
	assert(pass->size + READ_SIZE <= WINDOW_SIZE);
	n = byte_stream_read(pass->stream, pass->window + pass->size, READ_SIZE,
			     pass->err);
	if (n < 0)
		return (int)n;
	digest_stream_update(pass->whole, pass->window + pass->size, (size_t)n);
	pass->size += (size_t)n;
	if (n == 0 || pass->off + pass->size > pass->options->size)
		return fail_size(pass);
	if (pass->options->progress &&
	    !pass->options->progress(pass->options->arg,
				     pass->off + pass->size))
		return error_set(pass->err, -ECANCELED, "cancelled");
	return 0;
}

static int make_room(struct pass *pass, size_t size)
{
	if (size <= pass->raw_size)
		return 0;
	free(pass->raw);
	pass->raw_size = size;
	pass->raw = malloc(size);
	return pass->raw ? 0 : error_set(pass->err, -ENOMEM, "out of memory");
}

static int do_chunk(struct pass *pass, struct chunk_ref *ref)
{
	const uint8_t *stored;
	int r = 0;

	while (r == 0 &&
	       pass->off + pass->size < ref->stored_off + ref->stored_size)
		r = read_more(pass, ref->stored_off);
	if (r == 0)
		r = make_room(pass, ref->raw_size);
	if (r < 0)
		return r;
	assert(ref->stored_off >= pass->off);
	stored = pass->window + (ref->stored_off - pass->off);
	digest_compute(stored, ref->stored_size, &ref->digest);
	r = codec_decode(pass->codec, ref, stored, NULL, pass->raw);
	if (r < 0)
		return error_set(pass->err, r,
				 "the %u bytes at %llu do not decode to the %u "
				 "that they are to hold; the file is damaged: "
				 "copy it anew",
				 ref->stored_size,
				 (unsigned long long)ref->stored_off,
				 ref->raw_size);
	if (pass->options->chunk)
		pass->options->chunk(pass->options->arg, ref, pass->raw);
	return 0;
}

static int read_all(struct pass *pass, struct index_writer_chunk *chunks,
		    uint32_t count)
{
	uint64_t before = 0;
	uint8_t end;
	ssize_t n;
	int r = 0;

	for (uint32_t i = 0; i < count && r == 0; i++) {
		assert(chunks[i].ref.stored_off >= before);
		before = chunks[i].ref.stored_off;
		r = do_chunk(pass, &chunks[i].ref);
	}
	while (r == 0 && pass->off + pass->size < pass->options->size)
		r = read_more(pass, UINT64_MAX);
	if (r < 0)
		return r;
	n = byte_stream_read(pass->stream, &end, 1, pass->err);
	if (n != 0)
		return n < 0 ? (int)n : fail_size(pass);
	return 0;
}

int chunk_pass_run(struct byte_stream *stream,
		   struct index_writer_chunk *chunks, uint32_t count,
		   const struct chunk_pass_options *options, struct digest *ret,
		   struct error *err)
{
	struct pass pass CLEANUP(pass_fini) = {
		.options = options,
		.stream = stream,
		.codec = codec_context_create(),
		.whole = digest_stream_create(),
		.window = malloc(WINDOW_SIZE),
		.err = err,
	};
	int r;

	if (!pass.codec || !pass.whole || !pass.window)
		return error_set(err, -ENOMEM, "out of memory");
	r = read_all(&pass, chunks, count);
	if (r == 0)
		digest_stream_finish(pass.whole, ret);
	return r;
}
