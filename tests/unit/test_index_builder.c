/* SPDX-License-Identifier: Apache-2.0 */
#include "index/index_builder.h"

#include "common/byte_stream.h"
#include "common/error.h"
#include "index/index_file.h"
#include "tests/support/layer_maker.h"
#include "tests/support/memory_stream.h"
#include "tests/support/tar_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LAYER_COUNT = 4 };

static struct tar_maker tars[LAYER_COUNT];
static struct layer_maker makers[LAYER_COUNT];
static struct index_builder_layer layers[LAYER_COUNT];
static struct index_builder_image image;
static struct index_builder_options options;
static struct error err;
static int fd;
static int open_result[LAYER_COUNT]; /* what opening a layer says */
static atomic_uint open_count;

static int open_layer(void *arg, uint32_t number, struct byte_stream **ret,
		      struct error *e)
{
	(void)arg;
	cr_assert_lt(number, LAYER_COUNT);
	atomic_fetch_add(&open_count, 1);
	if (open_result[number])
		return error_set(e, open_result[number], "no such door");
	*ret = memory_stream_create(makers[number].stored,
				    makers[number].stored_size, 100000);
	return *ret ? 0 : -ENOMEM;
}

static void add_layers(void)
{
	layer_maker_add_files(&tars[0], "base", 100, 60000);
	tar_maker_add_file(&tars[0], "removed", "x", 1);
	layer_maker_add_files(&tars[1], "app", 40, 100000);
	tar_maker_add_file(&tars[1], ".wh.removed", "", 0);
	tar_maker_add_file(&tars[2], "base/file1", "replaced", 8);
	layer_maker_add_files(&tars[3], "base/more", 20, 1000);
	tar_maker_add_hard_link(&tars[3], "link", "app/file7");
}

static void set_up(void)
{
	for (size_t i = 0; i < LAYER_COUNT; i++)
		tars[i] = (struct tar_maker)TAR_MAKER_INIT;
	add_layers();
	for (size_t i = 0; i < LAYER_COUNT; i++) {
		tar_maker_add_end(&tars[i]);
		if (i == 2)
			layer_maker_init_tar(&makers[i], &tars[i]);
		else
			layer_maker_init_gzip(&makers[i], &tars[i], 0);
		layers[i] = makers[i].layer;
	}
	image = (struct index_builder_image){
		.manifest = "{\"a\":1}",
		.manifest_size = 7,
		.config = "{}",
		.config_size = 2,
		.layers = layers,
		.layer_count = LAYER_COUNT,
	};
	digest_compute(image.manifest, image.manifest_size,
		       &image.manifest_digest);
	options.open_layer = open_layer;
	fd = memfd_create("index", MFD_CLOEXEC);
	cr_assert(fd >= 0);
}

static void tear_down(void)
{
	close(fd);
	for (size_t i = 0; i < LAYER_COUNT; i++) {
		layer_maker_fini(&makers[i]);
		tar_maker_fini(&tars[i]);
	}
}

TestSuite(index_builder, .init = set_up, .fini = tear_down);

static int build(void)
{
	return index_builder_build(fd, &image, &options, &err);
}

static uint8_t *contents(size_t *ret_size)
{
	struct stat st;
	uint8_t *data;

	cr_assert_eq(fstat(fd, &st), 0);
	data = malloc((size_t)st.st_size + 1);
	cr_assert_eq(pread(fd, data, (size_t)st.st_size, 0), st.st_size);
	*ret_size = (size_t)st.st_size;
	return data;
}

static bool exists(const struct index_file *index, const char *path)
{
	uint32_t number;

	return index_file_resolve(index, path, false, &number) == 0;
}

static uint64_t size_of(const struct index_file *index, const char *path)
{
	struct index_inode inode;
	uint32_t number;

	cr_assert_eq(index_file_resolve(index, path, false, &number), 0, "%s",
		     path);
	cr_assert_eq(index_file_get_inode(index, number, &inode), 0);
	return inode.size;
}

Test(index_builder, merges_layers_into_an_index_that_checks)
{
	struct index_file *index = NULL;
	struct index_figures figures;
	struct index_blob blob;

	cr_assert_eq(build(), 0, "%s", err.text);
	cr_assert_eq(index_file_open(fd, &index, &err), 0, "%s", err.text);
	cr_expect_eq(index_file_check(index, &err), 0, "%s", err.text);
	cr_expect(!exists(index, "/removed"));
	cr_expect(exists(index, "/base/more/file19"));
	cr_expect_eq(size_of(index, "/base/file1"), 8);
	cr_expect_eq(size_of(index, "/link"), size_of(index, "/app/file7"));
	index_file_get_figures(index, &figures);
	cr_expect_eq(figures.blob_count, LAYER_COUNT);
	for (uint32_t i = 0; i < LAYER_COUNT; i++) {
		cr_assert_eq(index_file_get_blob(index, i, &blob), 0);
		cr_expect(digest_equal(&blob.digest, &layers[i].digest));
		cr_expect(digest_equal(&blob.diff_id, &layers[i].diff_id));
		cr_expect_eq(blob.size, makers[i].stored_size);
		cr_expect_eq(blob.raw_size, tars[i].buffer.size);
	}
	index_file_close(index);
}

Test(index_builder, gives_the_same_bytes_for_any_number_of_threads)
{
	uint8_t *first = NULL;
	size_t first_size = 0;

	for (unsigned i = 0; i < 6; i++) {
		uint8_t *data;
		size_t size;

		options.layers_at_once = i;
		options.use_zlib = i == 5;
		cr_assert_eq(ftruncate(fd, 0), 0);
		cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
		cr_assert_eq(build(), 0, "%s", err.text);
		data = contents(&size);
		if (!first) {
			first = data;
			first_size = size;
			continue;
		}
		cr_expect_eq(size, first_size);
		cr_expect_arr_eq(data, first, size, "%u layers at once", i);
		free(data);
	}
	free(first);
}

static atomic_uint opened[LAYER_COUNT]; /* 1 + how many were before it */

/* With several workers: opens no layer before the last one, or in ten seconds
 */
static int open_after_last(void *arg, uint32_t number, struct byte_stream **ret,
			   struct error *e)
{
	int r = open_layer(arg, number, ret, e);

	atomic_store(&opened[number], atomic_load(&open_count));
	for (int i = 0; i < 1000 && options.layers_at_once > 1 &&
			!atomic_load(&opened[LAYER_COUNT - 1]);
	     i++)
		usleep(10000);
	return r;
}

Test(index_builder, begins_with_the_largest_layer_if_another_can_go_beside_it)
{
	const struct layer_maker largest = makers[0];

	memmove(makers, makers + 1, (LAYER_COUNT - 1) * sizeof(*makers));
	makers[LAYER_COUNT - 1] = largest;
	for (size_t i = 0; i < LAYER_COUNT; i++) {
		layers[i] = makers[i].layer;
		cr_assert_leq(layers[i].size, largest.layer.size);
	}
	options.open_layer = open_after_last;
	options.layers_at_once = 2;
	cr_assert_eq(build(), 0, "%s", err.text);
	cr_expect_leq(opened[LAYER_COUNT - 1], 2);
	for (size_t i = 1; i < LAYER_COUNT - 1; i++)
		cr_expect_geq(opened[i], 3, "layer %zu was before the last", i);
}

Test(index_builder, takes_layers_in_order_one_at_a_time)
{
	options.open_layer = open_after_last;
	options.layers_at_once = 1;
	cr_assert_eq(build(), 0, "%s", err.text);
	for (size_t i = 0; i < LAYER_COUNT; i++)
		cr_expect_eq(opened[i], i + 1);
}

Test(index_builder, writes_an_image_without_layers)
{
	struct index_file *index = NULL;

	image.layer_count = 0;
	image.layers = NULL;
	cr_assert_eq(build(), 0, "%s", err.text);
	cr_assert_eq(index_file_open(fd, &index, &err), 0, "%s", err.text);
	cr_expect_eq(index_file_check(index, &err), 0, "%s", err.text);
	index_file_close(index);
}

Test(index_builder, names_the_layer_that_is_wrong)
{
	char hex[DIGEST_HEX_SIZE];

	layers[2].diff_id.bytes[0] ^= 1;
	cr_expect_eq(build(), -EBADMSG);
	digest_format_hex(&layers[2].digest, hex);
	hex[12] = '\0';
	cr_expect(strstr(err.text, "layer 3 of 4"), "%s", err.text);
	cr_expect(strstr(err.text, hex), "%s", err.text);
}

Test(index_builder, passes_on_why_a_layer_does_not_open)
{
	open_result[1] = -ENETUNREACH;
	cr_expect_eq(build(), -ENETUNREACH);
	cr_expect(strstr(err.text, "layer 2 of 4"), "%s", err.text);
	cr_expect(strstr(err.text, "no such door"), "%s", err.text);
}

Test(index_builder, opens_no_further_layers_after_a_failure)
{
	options.layers_at_once = 1;
	open_result[0] = -EIO;
	cr_expect_eq(build(), -EIO);
	cr_expect_eq(atomic_load(&open_count), 1);
}

Test(index_builder, names_the_layer_whose_entry_cannot_be_merged)
{
	struct tar_maker dangling = TAR_MAKER_INIT;

	tar_maker_add_hard_link(&dangling, "bad", "nowhere");
	tar_maker_add_end(&dangling);
	layer_maker_fini(&makers[1]);
	layer_maker_init_gzip(&makers[1], &dangling, 0);
	layers[1] = makers[1].layer;
	cr_expect_eq(build(), -EINVAL);
	cr_expect(strstr(err.text, "layer 2 of 4"), "%s", err.text);
	tar_maker_fini(&dangling);
}

struct watcher {
	atomic_ullong done_max;
	atomic_uint calls;
	atomic_ullong raw_size;
	bool is_cancelling;
};

static bool watch(void *arg, uint64_t done_size)
{
	struct watcher *watcher = arg;
	unsigned long long before = atomic_load(&watcher->done_max);

	while (done_size > before &&
	       !atomic_compare_exchange_weak(&watcher->done_max, &before,
					     done_size))
		;
	atomic_fetch_add(&watcher->calls, 1);
	return !watcher->is_cancelling;
}

static void count_chunk(void *arg, const struct chunk_ref *ref, const void *raw)
{
	struct watcher *watcher = arg;

	(void)raw;
	cr_expect_lt(ref->blob, LAYER_COUNT);
	atomic_fetch_add(&watcher->raw_size, ref->raw_size);
}

Test(index_builder, tells_progress_and_shows_every_chunk)
{
	struct watcher watcher = { 0 };
	uint64_t stored_size = 0;
	uint64_t raw_size = 0;

	for (size_t i = 0; i < LAYER_COUNT; i++) {
		stored_size += makers[i].stored_size;
		raw_size += tars[i].buffer.size;
	}
	options.arg = &watcher;
	options.progress = watch;
	options.chunk = count_chunk;
	cr_assert_eq(build(), 0, "%s", err.text);
	cr_expect_eq(atomic_load(&watcher.done_max), stored_size);
	cr_expect_geq(atomic_load(&watcher.calls), 2);
	cr_expect_leq(atomic_load(&watcher.calls), (stored_size >> 20) + 2);
	cr_expect_eq(atomic_load(&watcher.raw_size), raw_size);
}

Test(index_builder, stops_when_progress_says_so)
{
	struct watcher watcher = { .is_cancelling = true };

	options.arg = &watcher;
	options.progress = watch;
	cr_expect_eq(build(), -ECANCELED);
	cr_expect(strstr(err.text, "cancelled"), "%s", err.text);
}
