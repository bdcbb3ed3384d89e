/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image of many small layers built over and over: with every number of
 * layers at once, cancelled at every moment, and with a layer that is wrong.
 */
#include "common/byte_stream.h"
#include "common/error.h"
#include "index/index_builder.h"
#include "tests/support/layer_maker.h"
#include "tests/support/memory_stream.h"
#include "tests/support/tar_maker.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LAYER_COUNT = 8, ROUND_COUNT = 20 };

struct bench {
	struct layer_maker makers[LAYER_COUNT];
	struct index_builder_layer layers[LAYER_COUNT];
	struct index_builder_image image;
	atomic_ullong raw_size; /* shown by the chunk callback */
	uint64_t cancel_at;	/* stored bytes; 0: never */
};

static int open_layer(void *arg, uint32_t number, struct byte_stream **ret,
		      struct error *err)
{
	struct bench *bench = arg;

	(void)err;
	*ret = memory_stream_create(bench->makers[number].stored,
				    bench->makers[number].stored_size, 60000);
	return *ret ? 0 : -ENOMEM;
}

static void count_chunk(void *arg, const struct chunk_ref *ref, const void *raw)
{
	struct bench *bench = arg;

	(void)raw;
	atomic_fetch_add(&bench->raw_size, ref->raw_size);
}

static bool progress(void *arg, uint64_t done_size)
{
	const struct bench *bench = arg;

	return !bench->cancel_at || done_size < bench->cancel_at;
}

static void make(struct bench *bench)
{
	for (unsigned i = 0; i < LAYER_COUNT; i++) {
		struct tar_maker tar = TAR_MAKER_INIT;
		char folder[32];

		snprintf(folder, sizeof(folder), "layer%u", i / 2);
		layer_maker_add_files(&tar, folder, 30 + 10 * i, 90000);
		tar_maker_add_end(&tar);
		if (i == 3)
			layer_maker_init_tar(&bench->makers[i], &tar);
		else
			layer_maker_init_gzip(&bench->makers[i], &tar,
					      i % 2 ? 700000 : 0);
		bench->layers[i] = bench->makers[i].layer;
		tar_maker_fini(&tar);
	}
	bench->image = (struct index_builder_image){
		.manifest = "{}",
		.manifest_size = 2,
		.config = "{}",
		.config_size = 2,
		.layers = bench->layers,
		.layer_count = LAYER_COUNT,
	};
	digest_compute("{}", 2, &bench->image.manifest_digest);
}

/* Returns the builder's result and the index's digest. */
static int build(struct bench *bench, unsigned layers_at_once,
		 struct digest *ret_digest, struct error *err)
{
	const struct index_builder_options options = {
		.layers_at_once = layers_at_once,
		.open_layer = open_layer,
		.chunk = count_chunk,
		.progress = progress,
		.arg = bench,
	};
	int fd = memfd_create("index", MFD_CLOEXEC);
	struct stat st;
	void *data;
	int r;

	atomic_store(&bench->raw_size, 0);
	r = index_builder_build(fd, &bench->image, &options, err);
	if (r == 0) {
		if (fstat(fd, &st) < 0)
			abort();
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd,
			    0);
		if (data == MAP_FAILED)
			abort();
		digest_compute(data, (size_t)st.st_size, ret_digest);
		munmap(data, (size_t)st.st_size);
	}
	close(fd);
	return r;
}

static bool builds_alike(struct bench *bench)
{
	struct digest first;
	struct digest digest;
	uint64_t raw_size;
	struct error err;

	if (build(bench, 1, &first, &err) < 0)
		return false;
	raw_size = atomic_load(&bench->raw_size);
	for (unsigned i = 0; i < ROUND_COUNT; i++)
		if (build(bench, i % (LAYER_COUNT + 1), &digest, &err) < 0 ||
		    !digest_equal(&digest, &first) ||
		    atomic_load(&bench->raw_size) != raw_size)
			return false;
	return true;
}

static bool cancels(struct bench *bench)
{
	struct digest digest;
	uint64_t size = 0;
	bool is_ok = true;
	struct error err;

	for (unsigned i = 0; i < LAYER_COUNT; i++)
		size += bench->makers[i].stored_size;
	for (unsigned i = 0; i < ROUND_COUNT; i++) {
		bench->cancel_at = i * size / ROUND_COUNT + 1;
		is_ok = is_ok && build(bench, i % LAYER_COUNT, &digest, &err) ==
					 -ECANCELED;
	}
	bench->cancel_at = 0;
	return is_ok;
}

static bool names_the_wrong_layer(struct bench *bench)
{
	struct digest digest;
	bool is_ok = true;
	struct error err;
	char text[32];

	for (unsigned i = 0; i < ROUND_COUNT; i++) {
		unsigned wrong = i % LAYER_COUNT;

		bench->layers[wrong].digest.bytes[0] ^= 1;
		snprintf(text, sizeof(text), "layer %u of", wrong + 1);
		is_ok = is_ok &&
			build(bench, i % 5, &digest, &err) == -EBADMSG &&
			strstr(err.text, text);
		bench->layers[wrong].digest.bytes[0] ^= 1;
	}
	return is_ok;
}

int main(void)
{
	static struct bench bench;
	bool is_ok[3];

	make(&bench);
	printf("1..3\n");
	is_ok[0] = builds_alike(&bench);
	printf("%s 1 - the same index every time\n",
	       is_ok[0] ? "ok" : "not ok");
	is_ok[1] = cancels(&bench);
	printf("%s 2 - cancelled at any moment it ends\n",
	       is_ok[1] ? "ok" : "not ok");
	is_ok[2] = names_the_wrong_layer(&bench);
	printf("%s 3 - a wrong layer is named\n", is_ok[2] ? "ok" : "not ok");
	for (unsigned i = 0; i < LAYER_COUNT; i++)
		layer_maker_fini(&bench.makers[i]);
	return is_ok[0] && is_ok[1] && is_ok[2] ? 0 : 1;
}
