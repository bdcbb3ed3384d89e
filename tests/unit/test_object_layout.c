/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bound that counts: how many requests come one after another, wherever
 * an object has its descriptors, its superblock and its tables.
 */
#include "image/object_layout.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/le.h"
#include "fetch/range_source.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECT_SIZE = 24 << 20, FAR = 9 << 20 };

/* Answers at once, counts, and can fail. */
struct source {
	struct range_source base;
	const uint8_t *data;
	unsigned count;
	uint64_t bytes;
	int fail;
	unsigned bad_count;    /* reports of bad bytes ... */
	uint64_t bad_from;     /* ... and the first behind byte 0 */
	const uint8_t *better; /* the data from the first report on */
};

static uint8_t small[1 << 16];
static size_t small_size;
static uint8_t *object;

static void fetch(struct range_source *base, uint64_t off, size_t size,
		  int64_t deadline_ms, range_done_fn *done, void *arg)
{
	struct source *source = (struct source *)base;
	struct error err = { 0 };
	uint8_t *data = NULL;

	(void)deadline_ms;
	cr_assert(le_range_fits(off, size, base->size));
	source->count++;
	source->bytes += size;
	if (source->fail) {
		error_set(&err, source->fail, "told to fail");
	} else {
		data = malloc(size);
		memcpy(data, source->data + off, size);
	}
	done(arg, source->fail, data, &err);
}

static const struct range_source_ops ops = { .fetch = fetch };

static void set_up(void)
{
	FILE *stream = fopen(TEST_DATA "/valid/squashfs/small", "rb");

	cr_assert(stream);
	small_size = fread(small, 1, sizeof(small), stream);
	fclose(stream);
	object = calloc(1, OBJECT_SIZE);
}

static void tear_down(void)
{
	free(object);
}

static int load(uint64_t size, bool with_tables, struct source *source,
		struct object_layout *ret, struct error *err)
{
	*source = (struct source){
		.base = { .ops = &ops, .size = size },
		.data = object,
		.fail = source->fail,
	};
	return object_layout_load(&source->base, "it", "amd64", with_tables,
				  ret, err);
}

/* A SIF whose table and root are where they are wanted. */
static void make_sif(uint64_t descriptors_off, uint64_t root_off)
{
	uint8_t *d = object + descriptors_off;

	memcpy(object + 32, "SIF_MAGIC", 10);
	memcpy(object + 42, "01", 3);
	memcpy(object + 45, "02", 3);
	le_store64(object + 88, 48);
	le_store64(object + 96, descriptors_off);
	le_store32(d, SIF_FILE_PARTITION);
	d[4] = 1;
	le_store64(d + 17, root_off);
	le_store64(d + 25, small_size);
	le_store32(d + 201, 1);
	le_store32(d + 205, 2);
	memcpy(d + 209, "02", 3);
	memcpy(object + root_off, small, small_size);
}

static void expect_tables(const struct object_layout *layout)
{
	cr_assert(layout->tables);
	cr_expect_eq(
		memcmp(layout->tables, small + layout->super.inode_table,
		       layout->super.bytes_used - layout->super.inode_table),
		0);
}

Test(object_layout, takes_one_round_where_all_is_near, .init = set_up,
     .fini = tear_down)
{
	struct object_layout layout = { 0 };
	struct source source = { 0 };
	struct error err = { 0 };

	make_sif(4096, 36864);
	cr_assert_eq(load(36864 + small_size, true, &source, &layout, &err), 0,
		     "%s", err.text);
	cr_expect(layout.is_sif);
	cr_expect_eq(layout.image_off, 36864);
	cr_expect_eq(layout.rounds, 1);
	cr_expect_eq(source.count, 1);
	expect_tables(&layout);
	object_layout_fini(&layout);
}

Test(object_layout, finds_the_tables_in_the_tail, .init = set_up,
     .fini = tear_down)
{
	struct object_layout layout = { 0 };
	struct source source = { 0 };
	struct error err = { 0 };
	uint64_t inode_table = le_load64(small + 64);
	size_t tables_size = small_size - inode_table;

	/* a bare image whose data are 20 MiB long */
	memcpy(object, small, 96);
	memcpy(object + inode_table, small + inode_table, tables_size);
	cr_assert_eq(load(OBJECT_SIZE, true, &source, &layout, &err), 0, "%s",
		     err.text);
	cr_expect_eq(layout.rounds, 1);
	/* a head of one piece, a tail of four */
	cr_expect_eq(source.count, 1 + 4);
	cr_expect_leq(source.bytes, (1 << 20) + (256 << 10));
	cr_expect_not(layout.is_sif);
	object_layout_fini(&layout);
}

Test(object_layout, takes_four_rounds_where_all_is_far, .init = set_up,
     .fini = tear_down)
{
	struct object_layout layout = { 0 };
	struct source source = { 0 };
	struct error err = { 0 };

	make_sif(FAR, 2 * FAR);
	cr_assert_eq(load(OBJECT_SIZE, true, &source, &layout, &err), 0, "%s",
		     err.text);
	cr_expect_eq(layout.rounds, OBJECT_LAYOUT_ROUNDS_MAX);
	cr_expect_leq(layout.rounds, 8);
	expect_tables(&layout);
	object_layout_fini(&layout);
}

Test(object_layout, fetches_large_tables_at_once, .init = set_up,
     .fini = tear_down)
{
	struct object_layout layout = { 0 };
	struct source source = { 0 };
	struct error err = { 0 };

	memcpy(object, small, 96);
	le_store64(object + 40, OBJECT_SIZE);
	le_store64(object + 64, 1 << 20);
	le_store64(object + 72, OBJECT_SIZE - 500);
	for (int i = 48; i <= 88; i += 8)
		if (i != 64 && i != 72)
			le_store64(object + i, OBJECT_SIZE - 400);
	cr_assert_eq(load(OBJECT_SIZE, true, &source, &layout, &err), 0, "%s",
		     err.text);
	cr_expect_eq(layout.rounds, 2);
	/* 22 MiB that the tail does not have, 4 MiB each, and the two ends */
	cr_expect_eq(source.count, 1 + 4 + 6);
	cr_expect_leq(source.bytes, OBJECT_SIZE + (256 << 10));
	object_layout_fini(&layout);
}

Test(object_layout, leaves_the_tables_when_nobody_wants_them, .init = set_up,
     .fini = tear_down)
{
	struct object_layout layout = { 0 };
	struct source source = { 0 };

	make_sif(4096, 36864);
	cr_assert_eq(load(OBJECT_SIZE, false, &source, &layout, NULL), 0);
	cr_expect_null(layout.tables);
	cr_expect_eq(source.bytes, 256 << 10);
	object_layout_fini(&layout);
}

Test(object_layout, says_what_the_source_said, .init = set_up,
     .fini = tear_down)
{
	struct object_layout layout = { 0 };
	struct source source = { .fail = -ESTALE };
	struct error err = { 0 };

	cr_expect_eq(load(OBJECT_SIZE, true, &source, &layout, &err), -ESTALE);
	cr_expect_str_eq(err.text, "it: told to fail");
}

static void report_bad(struct range_source *base, uint64_t off, size_t size)
{
	struct source *source = (struct source *)base;

	cr_assert(le_range_fits(off, size, base->size));
	source->bad_count++;
	if (source->better)
		source->data = source->better;
	if (off < source->bad_from && off > 0)
		source->bad_from = off;
}

Test(object_layout, doubts_whoever_sent_a_part_of_it, .init = set_up,
     .fini = tear_down)
{
	const struct range_source_ops remote = {
		.fetch = fetch,
		.report_bad = report_bad,
	};
	struct object_layout layout CLEANUP(object_layout_fini) = { 0 };
	struct source source = { 0 };

	make_sif(4096, FAR);
	cr_assert_eq(load(OBJECT_SIZE, true, &source, &layout, NULL), 0);
	cr_expect_not(object_layout_doubt(&source.base, &layout, -EPROTO));
	source.base.ops = &remote;
	source.bad_from = UINT64_MAX;
	cr_expect(object_layout_doubt(&source.base, NULL, -EBADMSG));
	cr_expect_eq(source.bad_from, OBJECT_SIZE - (1 << 20));
	cr_expect_eq(source.bad_count, 1 + 4);
	cr_expect(object_layout_doubt(&source.base, &layout, -EPROTO));
	cr_expect_not(object_layout_doubt(&source.base, &layout, -ENOTSUP));
	cr_expect_eq(source.bad_from, FAR + layout.super.inode_table);
	/* as large as a server says it is */
	source.base.size = 1ULL << 62;
	source.bad_count = 0;
	cr_expect(object_layout_doubt(&source.base, &layout, -EPROTO));
	cr_expect_eq(source.bad_count, 1 + 4 + 1);
}

/* tests/support/make_bad_sif.py */
static int load_data(const char *path, struct object_layout *ret,
		     struct error *err)
{
	struct source source = { .base = { .ops = &ops }, .data = object };
	FILE *stream = fopen(path, "rb");

	cr_assert(stream, "%s", path);
	source.base.size = fread(object, 1, OBJECT_SIZE, stream);
	fclose(stream);
	return object_layout_load(&source.base, "it", "amd64", true, ret, err);
}

Test(object_layout, refuses_every_sif_that_is_bad, .init = set_up,
     .fini = tear_down)
{
	static const char bad[] = TEST_DATA "/must_fail/sif";
	struct object_layout layout CLEANUP(object_layout_fini) = { 0 };
	DIR *folder = opendir(bad);
	const struct dirent *dirent;
	unsigned count = 0;

	cr_assert(folder);
	cr_assert_eq(load_data(TEST_DATA "/valid/sif/small", &layout, NULL), 0);
	expect_tables(&layout);
	cr_expect(layout.is_sif);
	cr_expect_eq(layout.root.id, 2);
	while ((dirent = readdir(folder))) {
		struct object_layout none = { 0 };
		struct error err = { 0 };
		char path[512];
		int r;

		if (dirent->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", bad, dirent->d_name);
		r = load_data(path, &none, &err);
		cr_expect(r == -EPROTO || r == -EBADMSG || r == -EFBIG ||
				  r == -ENOTSUP,
			  "%s: %d %s", dirent->d_name, r, err.text);
		/* the cause, and what to do */
		cr_expect(strstr(err.text, "; ") ||
				  strstr(err.text, ": build ") ||
				  strstr(err.text, ": make it anew"),
			  "%s: %s", dirent->d_name, err.text);
		cr_expect_null(none.descriptors);
		cr_expect_null(none.tables);
		count++;
	}
	closedir(folder);
	cr_expect_geq(count, 34);
}

Test(object_layout, reads_of_another_what_makes_no_sense, .init = set_up,
     .fini = tear_down)
{
	const struct range_source_ops remote = {
		.fetch = fetch,
		.report_bad = report_bad,
	};
	autofree uint8_t *zeros = calloc(1, OBJECT_SIZE);
	struct object_layout layout CLEANUP(object_layout_fini) = { 0 };
	struct error err = { 0 };
	struct source source = {
		.base = { .ops = &remote, .size = OBJECT_SIZE },
		.data = zeros,
		.better = object,
		.bad_from = UINT64_MAX,
	};

	make_sif(4096, FAR);
	cr_expect_eq(object_layout_load(&source.base, "it", "amd64", true,
					&layout, &err),
		     0, "%s", err.text);
	expect_tables(&layout);
	/* nobody has better */
	source.data = zeros;
	source.better = NULL;
	source.bytes = 0;
	cr_expect_eq(object_layout_load(&source.base, "it", "amd64", true,
					&layout, &err),
		     -EBADMSG);
	cr_expect(strstr(err.text, "it: it is neither"), "%s", err.text);
	cr_expect_eq(source.bytes,
		     OBJECT_LAYOUT_TRIES_MAX * ((1 << 20) + (256 << 10)));
}

Test(object_layout, refuses_what_is_neither, .init = set_up, .fini = tear_down)
{
	struct object_layout layout = { 0 };
	struct source source = { 0 };
	struct error err = { 0 };

	cr_expect_eq(load(OBJECT_SIZE, true, &source, &layout, &err), -EBADMSG);
	cr_expect(strstr(err.text, "neither a SIF nor a SquashFS"));
	memcpy(object + 32, "SIF_MAGIC", 10);
	cr_expect_eq(load(100, true, &source, &layout, &err), -EPROTO);
	memcpy(object, "hsqs", 4);
	memset(object + 32, 0, 10);
	cr_expect_eq(load(50, true, &source, &layout, &err), -EPROTO);
	cr_expect(strstr(err.text, "within its superblock"), "%s", err.text);
}
