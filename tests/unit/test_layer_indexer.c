/* SPDX-License-Identifier: Apache-2.0 */
#include "index/layer_indexer.h"

#include "common/byte_stream.h"
#include "common/error.h"
#include "index/entry_list.h"
#include "index/index_builder.h"
#include "index/index_writer.h"
#include "index/layer_decoder.h"
#include "index/tree.h"
#include "tests/support/layer_maker.h"
#include "tests/support/memory_stream.h"
#include "tests/support/tar_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct tar_maker tar = TAR_MAKER_INIT;
static struct layer_maker maker;
static struct layer_indexer_result result;
static struct layer_indexer_options options;
static struct error err;

static void set_up(void)
{
	layer_maker_add_files(&tar, "usr", 60, 200000);
	tar_maker_add_end(&tar);
	layer_maker_init_gzip(&maker, &tar, 0);
	options.layer = &maker.layer;
	options.number = 5;
	options.use_isal = true;
}

static void tear_down(void)
{
	layer_indexer_result_fini(&result);
	layer_maker_fini(&maker);
	tar_maker_fini(&tar);
}

TestSuite(layer_indexer, .init = set_up, .fini = tear_down);

static int run_on(const void *data, size_t size)
{
	struct byte_stream *stream = memory_stream_create(data, size, 50000);
	int r;

	cr_assert(stream);
	r = layer_indexer_run(stream, &options, &result, &err);
	byte_stream_destroy(stream);
	return r;
}

static int run(void)
{
	return run_on(maker.stored, maker.stored_size);
}

static void check_chunks(void)
{
	uint64_t raw_off = 0;
	uint64_t window_off = 0;

	for (uint32_t i = 0; i < result.chunk_count; i++) {
		const struct index_writer_chunk *chunk = &result.chunks[i];
		struct digest digest;

		cr_expect_eq(chunk->raw_off, raw_off);
		cr_expect_eq(chunk->ref.blob, 5);
		digest_compute(maker.stored + chunk->ref.stored_off,
			       chunk->ref.stored_size, &digest);
		cr_expect(digest_equal(&digest, &chunk->ref.digest), "chunk %u",
			  i);
		if (chunk->ref.window_size) {
			cr_expect_eq(chunk->ref.window_off, window_off);
			window_off += chunk->ref.window_size;
			digest_compute(result.windows.data +
					       chunk->ref.window_off,
				       chunk->ref.window_size, &digest);
			cr_expect_arr_eq(digest.bytes, chunk->ref.window_digest,
					 CHUNK_WINDOW_DIGEST_SIZE);
		}
		raw_off += chunk->ref.raw_size;
	}
	cr_expect_eq(raw_off, tar.buffer.size);
	cr_expect_eq(window_off, result.windows.size);
	cr_expect_gt(window_off, 0);
}

Test(layer_indexer, finds_digests_chunks_windows_and_entries)
{
	cr_assert_eq(run(), 0, "%s", err.text);
	cr_expect_eq(result.size, maker.stored_size);
	cr_expect_eq(result.raw_size, tar.buffer.size);
	cr_expect(digest_equal(&result.digest, &maker.layer.digest));
	cr_expect(digest_equal(&result.diff_id, &maker.layer.diff_id));
	cr_expect_gt(result.chunk_count, 3);
	check_chunks();
	cr_expect_eq(entry_list_count(result.entries), 61);
}

Test(layer_indexer, maps_each_files_bytes)
{
	const struct tree_entry *entry = NULL;
	static uint8_t data[200001];

	cr_assert_eq(run(), 0, "%s", err.text);
	entry = entry_list_next(result.entries, NULL);
	for (unsigned i = 0; i < 60; i++) {
		entry = entry_list_next(result.entries, entry);
		cr_assert(entry);
		layer_maker_fill(data, entry->size, i + 1);
		if (entry->size == 0)
			continue;
		cr_assert_eq(entry->extent_count, 1, "joined");
		cr_assert_eq(entry->extents[0].size, entry->size);
		cr_expect_arr_eq(tar.buffer.data + entry->extents[0].raw_off,
				 data, entry->size, "%s", entry->path);
	}
}

Test(layer_indexer, reads_many_members_and_plain_tar_alike)
{
	struct digest diff_id;

	cr_assert_eq(run(), 0, "%s", err.text);
	diff_id = result.diff_id;
	for (int is_plain = 0; is_plain < 2; is_plain++) {
		layer_indexer_result_fini(&result);
		layer_maker_fini(&maker);
		if (is_plain)
			layer_maker_init_tar(&maker, &tar);
		else
			layer_maker_init_gzip(&maker, &tar, 100000);
		cr_assert_eq(run(), 0, "%s", err.text);
		cr_expect(digest_equal(&result.diff_id, &diff_id));
		cr_expect_eq(entry_list_count(result.entries), 61);
	}
}

Test(layer_indexer, reads_a_layer_of_nothing)
{
	struct tar_maker empty = TAR_MAKER_INIT;

	layer_maker_fini(&maker);
	tar_maker_add_end(&empty);
	layer_maker_init_gzip(&maker, &empty, 0);
	cr_expect_eq(run(), 0, "%s", err.text);
	cr_expect_eq(result.raw_size, 1024);
	cr_expect_eq(entry_list_count(result.entries), 0);
	tar_maker_fini(&empty);
}

Test(layer_indexer, accepts_any_diff_id_when_none_is_known)
{
	memset(&maker.layer.diff_id, 0, sizeof(maker.layer.diff_id));
	cr_expect_eq(run(), 0, "%s", err.text);
	cr_expect(!digest_is_zero(&result.diff_id));
}

struct seen {
	uint64_t raw_off;
	unsigned count;
	uint64_t advanced;
	uint64_t cancel_at;
};

static void see_chunk(void *arg, const struct chunk_ref *ref, const void *raw)
{
	struct seen *seen = arg;

	cr_expect_arr_eq(raw, tar.buffer.data + seen->raw_off, ref->raw_size);
	cr_expect(!digest_is_zero(&ref->digest));
	seen->raw_off += ref->raw_size;
	seen->count++;
}

static bool see_advance(void *arg, uint64_t size)
{
	struct seen *seen = arg;

	seen->advanced += size;
	return !seen->cancel_at || seen->advanced < seen->cancel_at;
}

Test(layer_indexer, shows_each_chunk_and_every_stored_byte)
{
	struct seen seen = { 0 };

	options.chunk = see_chunk;
	options.chunk_arg = &seen;
	options.advance = see_advance;
	options.advance_arg = &seen;
	cr_assert_eq(run(), 0, "%s", err.text);
	cr_expect_eq(seen.raw_off, tar.buffer.size);
	cr_expect_eq(seen.count, result.chunk_count);
	cr_expect_eq(seen.advanced, maker.stored_size);
}

Test(layer_indexer, stops_when_cancelled)
{
	struct seen seen = { .cancel_at = maker.stored_size / 2 };

	options.advance = see_advance;
	options.advance_arg = &seen;
	cr_expect_eq(run(), -ECANCELED);
	cr_expect_lt(seen.advanced, maker.stored_size);
	cr_expect_null(result.entries, "untouched");
}

Test(layer_indexer, refuses_another_digest)
{
	maker.layer.digest.bytes[31] ^= 1;
	cr_expect_eq(run(), -EBADMSG);
	cr_expect(strstr(err.text, "something else"), "%s", err.text);
}

Test(layer_indexer, refuses_another_diff_id)
{
	maker.layer.diff_id.bytes[31] ^= 1;
	cr_expect_eq(run(), -EBADMSG);
	cr_expect(strstr(err.text, "diff_id"), "%s", err.text);
}

Test(layer_indexer, refuses_another_size)
{
	maker.layer.size++;
	cr_expect_eq(run(), -EBADMSG);
	cr_expect(strstr(err.text, "the manifest says"), "%s", err.text);
	maker.layer.size -= 2;
	cr_expect_eq(run(), -EBADMSG);
	cr_expect(strstr(err.text, "longer"), "%s", err.text);
}

Test(layer_indexer, passes_on_what_the_stream_says)
{
	struct byte_stream *stream =
		memory_stream_create(maker.stored, maker.stored_size, 1000);

	memory_stream_fail_at(stream, maker.stored_size / 2, -ETIMEDOUT);
	cr_expect_eq(layer_indexer_run(stream, &options, &result, &err),
		     -ETIMEDOUT);
	cr_expect(strstr(err.text, "as the test asked"), "%s", err.text);
	byte_stream_destroy(stream);
}

Test(layer_indexer, refuses_damaged_and_truncated_gzip)
{
	cr_expect_eq(run_on(maker.stored, maker.stored_size - 9), -EBADMSG);
	memset(maker.stored + maker.stored_size / 2, 0xff, 100);
	cr_expect_eq(run(), -EBADMSG);
}

/* An error page in place of the layer: the digest is the cause to name. */
Test(layer_indexer, names_the_digest_before_a_tar_that_makes_no_sense)
{
	static char page[100000];

	memset(page, '<', sizeof(page));
	maker.layer.size = sizeof(page);
	cr_expect_eq(run_on(page, sizeof(page)), -EBADMSG);
	cr_expect(strstr(err.text, "something else"), "%s", err.text);

	digest_compute(page, sizeof(page), &maker.layer.digest);
	cr_expect_eq(run_on(page, sizeof(page)), -EBADMSG);
	cr_expect(strstr(err.text, "diff_id"), "%s", err.text);

	maker.layer.diff_id = maker.layer.digest;
	cr_expect_eq(run_on(page, sizeof(page)), -EBADMSG);
	cr_expect(strstr(err.text, "tar archive"), "%s", err.text);
}
