/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives by tar_maker, fed in pieces of every size.  What counts is how many
 * bytes the scout calls hot: data of files that may be needed, with padding.
 */
#include "index/tar_scout.h"

#include "tests/support/tar_maker.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = TAR_SCOUT_BLOCK_SIZE };

static uint8_t data[8 * BLOCK];
static struct tar_maker tar = TAR_MAKER_INIT;
static struct tar_scout scout;

static void setup(void)
{
	memset(data, 'd', sizeof(data));
	tar_scout_init(&scout);
}

static void teardown(void)
{
	tar_maker_fini(&tar);
}

TestSuite(tar_scout, .init = setup, .fini = teardown);

/* One entry, data and all */
static void add_entry(const struct tar_maker_header *header)
{
	tar_maker_add_header(&tar, header);
	if (header->size > 0)
		tar_maker_add_data(&tar, data, (size_t)header->size);
}

/* Hot bytes of the whole archive at once */
static size_t feed_all(void)
{
	tar_scout_init(&scout);
	return tar_scout_feed(&scout, tar.buffer.data, tar.buffer.size);
}

/* Hot bytes of one file of that name and a byte */
static size_t feed_named(const char *prefix, const char *name,
			 enum tar_maker_format format)
{
	struct tar_maker_header header = { .format = format,
					   .prefix = prefix,
					   .name = name,
					   .type = '0',
					   .size = 1 };

	tar.buffer.size = 0;
	add_entry(&header);
	return feed_all();
}

static void add_mixed_archive(void)
{
	tar_maker_add_directory(&tar, "usr/");
	tar_maker_add_file(&tar, "usr/bin/true", data, 700);	 /* 2 */
	tar_maker_add_file(&tar, "usr/share/doc/a", data, 1024); /* cold */
	tar_maker_add_file(&tar, "usr/lib/empty", data, 0);
	tar_maker_add_symlink(&tar, "usr/lib/libx.so", "libx.so.1");
	tar_maker_add_file(&tar, "usr/lib/libx.so.1", data, 512); /* 1 */
	tar_maker_add_file(&tar, "var/lib/dpkg/status", data, 3);
	tar_maker_add_file(&tar, "etc/hostname", data, 1); /* 1 */
	tar_maker_add_end(&tar);
}

Test(tar_scout, counts_the_data_of_files_that_may_be_needed)
{
	add_mixed_archive();
	cr_expect_eq(feed_all(), 4 * BLOCK);
	cr_expect_not(scout.is_lost);
}

Test(tar_scout, counts_the_same_however_the_stream_is_split)
{
	add_mixed_archive();
	for (size_t split = 0; split <= tar.buffer.size; split++) {
		size_t hot;

		tar_scout_init(&scout);
		hot = tar_scout_feed(&scout, tar.buffer.data, split);
		hot += tar_scout_feed(&scout, tar.buffer.data + split,
				      tar.buffer.size - split);
		cr_expect_eq(hot, 4 * BLOCK, "split at %zu", split);
	}
}

Test(tar_scout, counts_the_same_in_pieces_of_every_size)
{
	add_mixed_archive();
	for (size_t piece = 1; piece <= 2 * BLOCK + 1; piece++) {
		size_t hot = 0;
		size_t n;

		tar_scout_init(&scout);
		for (size_t off = 0; off < tar.buffer.size; off += n) {
			n = tar.buffer.size - off;
			if (n > piece)
				n = piece;
			hot += tar_scout_feed(&scout, tar.buffer.data + off, n);
		}
		cr_expect_eq(hot, 4 * BLOCK, "pieces of %zu", piece);
	}
}

/* Every byte is told apart, not only their sum. */
Test(tar_scout, says_of_each_byte_whether_it_is_hot)
{
	size_t begin;

	tar_maker_add_file(&tar, "usr/include/cold", data, BLOCK);
	begin = tar.buffer.size + BLOCK;
	tar_maker_add_file(&tar, "bin/hot", data, BLOCK + 1);
	tar_maker_add_file(&tar, "boot/cold", data, BLOCK);
	for (size_t off = 0; off < tar.buffer.size; off++) {
		bool is_hot = off >= begin && off < begin + 2 * BLOCK;

		cr_expect_eq(tar_scout_feed(&scout, tar.buffer.data + off, 1),
			     is_hot, "at %zu", off);
	}
}

Test(tar_scout, takes_nothing)
{
	cr_expect_eq(tar_scout_feed(&scout, data, 0), 0);
	tar_maker_add_file(&tar, "bin/true", data, 1);
	cr_expect_eq(feed_all(), BLOCK);
	cr_expect_eq(tar_scout_feed(&scout, data, 0), 0);
}

Test(tar_scout, puts_the_ustar_prefix_in_front)
{
	char prefix[156] = "usr/share/";
	char name[101];

	cr_expect_eq(feed_named("usr/share", "zoneinfo", TAR_MAKER_USTAR), 0);
	cr_expect_eq(feed_named("usr", "share/zoneinfo", TAR_MAKER_USTAR), 0);
	cr_expect_eq(feed_named("a/test", "s", TAR_MAKER_USTAR), 0);
	cr_expect_eq(feed_named("usr/lib", "var/x", TAR_MAKER_USTAR), BLOCK);
	/* both fields full, without a NUL */
	memset(prefix + 10, 'p', 145);
	memset(name, 'n', 100);
	prefix[155] = name[100] = '\0';
	cr_expect_eq(feed_named(prefix, name, TAR_MAKER_USTAR), 0);
	memcpy(prefix, "usr/lib64/", 10);
	cr_expect_eq(feed_named(prefix, name, TAR_MAKER_USTAR), BLOCK);
	memcpy(name + 96, ".png", 4);
	cr_expect_eq(feed_named(prefix, name, TAR_MAKER_USTAR), 0);
}

/* Anew, over what the test put into the header */
static void write_checksum(uint8_t *header)
{
	unsigned sum = 8 * ' ';

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? 0 : header[i];
	snprintf((char *)header + 148, 8, "%06o", sum);
}

/* GNU tar keeps times where ustar has its prefix. */
Test(tar_scout, sees_no_prefix_in_other_formats)
{
	cr_expect_eq(feed_named("", "usr/share/x", TAR_MAKER_GNU), 0);
	cr_expect_eq(feed_named("", "usr/bin/x", TAR_MAKER_GNU), BLOCK);
	cr_expect_eq(feed_named("", "usr/share/x", TAR_MAKER_V7), 0);
	cr_expect_eq(feed_named("", "usr/bin/x", TAR_MAKER_V7), BLOCK);
	feed_named("", "usr/bin/x", TAR_MAKER_GNU);
	cr_expect_not(scout.is_lost);
}

Test(tar_scout, ignores_what_gnu_tar_keeps_in_the_prefix)
{
	feed_named("", "usr/bin/x", TAR_MAKER_GNU);
	memcpy(tar.buffer.data + 345, "usr/share/", 10);
	write_checksum(tar.buffer.data);
	cr_expect_eq(feed_all(), BLOCK);
	cr_expect_not(scout.is_lost);
}

Test(tar_scout, skips_pax_headers)
{
	const struct tar_maker_record records[] = {
		TAR_MAKER_RECORD("mtime", "1.5"),
		TAR_MAKER_RECORD("comment", "usr/bin/not-a-path"),
	};

	tar_maker_add_pax(&tar, 'g', records, 2);
	tar_maker_add_pax(&tar, 'x', records, 2);
	tar_maker_add_file(&tar, "usr/bin/true", data, 2 * BLOCK);
	tar_maker_add_pax(&tar, 'x', records, 1);
	tar_maker_add_file(&tar, "usr/src/true", data, 2 * BLOCK);
	tar_maker_add_pax(&tar, 'x', records, 1);
	tar_maker_add_file(&tar, "sbin/init", data, BLOCK);
	tar_maker_add_end(&tar);
	cr_expect_eq(feed_all(), 3 * BLOCK);
	cr_expect_not(scout.is_lost);
}

Test(tar_scout, skips_gnu_long_names)
{
	char path[301];

	memset(path, 'p', sizeof(path) - 1);
	path[300] = '\0';
	tar_maker_add_gnu_long(&tar, 'L', path);
	tar_maker_add_gnu_long(&tar, 'K', path);
	tar_maker_add_file(&tar, "usr/bin/true", data, BLOCK);
	tar_maker_add_gnu_long(&tar, 'L', path);
	tar_maker_add_file(&tar, "usr/share/true", data, BLOCK);
	tar_maker_add_end(&tar);
	cr_expect_eq(feed_all(), BLOCK);
	cr_expect_not(scout.is_lost);
}

/* Links, devices and directories have sizes in some archives, but no data. */
Test(tar_scout, expects_no_data_behind_links_and_devices)
{
	for (char type = '1'; type <= '6'; type++) {
		struct tar_maker_header header = { .name = "usr/bin/thing",
						   .type = type,
						   .size = 5 * BLOCK };

		tar.buffer.size = 0;
		tar_maker_add_header(&tar, &header);
		tar_maker_add_file(&tar, "usr/bin/true", data, BLOCK);
		tar_maker_add_file(&tar, "usr/share/true", data, BLOCK);
		cr_expect_eq(feed_all(), BLOCK, "type %c", type);
		cr_expect_not(scout.is_lost, "type %c", type);
	}
}

Test(tar_scout, takes_old_and_contiguous_files)
{
	static const char types[] = { '\0', '0', '7' };

	for (size_t i = 0; i < sizeof(types); i++) {
		struct tar_maker_header header = { .name = "usr/bin/thing",
						   .type = types[i],
						   .size = 2 * BLOCK };

		tar.buffer.size = 0;
		add_entry(&header);
		header.name = "usr/share/thing";
		add_entry(&header);
		cr_expect_eq(feed_all(), 2 * BLOCK, "type %d", types[i]);
	}
}

Test(tar_scout, reads_sizes_in_base_256)
{
	struct tar_maker_header header = { .name = "usr/bin/big",
					   .type = '0',
					   .size = (INT64_C(1) << 40) + 1 };

	tar_maker_add_header(&tar, &header);
	cr_assert_eq(tar.buffer.data[124], 0x80);
	cr_expect_eq(feed_all(), 0);
	cr_expect_eq(scout.data_left, (UINT64_C(1) << 40) + BLOCK);
	cr_expect_eq(tar_scout_feed(&scout, data, sizeof(data)), sizeof(data));
	cr_expect_eq(scout.data_left,
		     (UINT64_C(1) << 40) + BLOCK - sizeof(data));
	cr_expect_not(scout.is_lost);
}

/* Write @field where a header has its size; hot bytes of what follows */
static size_t feed_size_field(const char field[12])
{
	tar.buffer.size = 0;
	tar_maker_add_file(&tar, "usr/share/cold", data, 0);
	memcpy(tar.buffer.data + 124, field, 12);
	write_checksum(tar.buffer.data);
	feed_all();
	return tar_scout_feed(&scout, data, BLOCK);
}

struct size_case {
	const char *label;
	const char *field; /* 12 bytes */
	bool is_lost;
	uint64_t data_left; /* before a block is read */
};

static const struct size_case size_cases[] = {
	{ "octal and NUL", "00000001001\0", false, 2 * BLOCK },
	{ "octal and space", "00000001001 ", false, 2 * BLOCK },
	{ "spaces in front", "       1001 ", false, 2 * BLOCK },
	{ "twelve digits", "000000001001", false, 2 * BLOCK },
	{ "all digits set", "777777777777", false, UINT64_C(1) << 36 },
	{ "not octal", "00000001009\0", true, 0 },
	{ "letters", "hello world!", true, 0 },
	{ "base 256", "\x80\0\0\0\0\0\0\0\0\0\x02\x01", false, 2 * BLOCK },
	{ "base 256, negative", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe",
	  true, 0 },
	{ "2^63 - 1", "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", true, 0 },
	{ "2^63 - 1024", "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xfc\0", false,
	  (UINT64_C(1) << 63) - 1024 },
	{ "2^63", "\x80\0\0\0\x80\0\0\0\0\0\0\0", true, 0 },
	{ "2^64", "\x80\0\0\x01\0\0\0\0\0\0\0\0", true, 0 },
	{ "2^87", "\x80\x80\0\0\0\0\0\0\0\0\0\0", true, 0 },
};

Test(tar_scout, reads_sizes_or_is_lost)
{
	for (size_t i = 0; i < sizeof(size_cases) / sizeof(size_cases[0]);
	     i++) {
		const struct size_case *c = &size_cases[i];
		size_t hot = feed_size_field(c->field);

		cr_expect_eq(scout.is_lost, c->is_lost, "case: %s", c->label);
		cr_expect_eq(hot, c->is_lost ? BLOCK : 0, "case: %s", c->label);
		if (!c->is_lost)
			cr_expect_eq(scout.data_left, c->data_left - BLOCK,
				     "case: %s", c->label);
	}
}

Test(tar_scout, calls_everything_hot_behind_a_bad_checksum)
{
	struct tar_maker_header header = { .name = "usr/share/x",
					   .type = '0',
					   .has_bad_checksum = true,
					   .size = BLOCK };
	size_t begin;

	tar_maker_add_file(&tar, "usr/share/before", data, BLOCK);
	begin = tar.buffer.size;
	add_entry(&header);
	tar_maker_add_file(&tar, "usr/share/behind", data, 3 * BLOCK);
	cr_expect_eq(feed_all(), tar.buffer.size - begin - BLOCK);
	cr_expect(scout.is_lost);
	/* for good */
	cr_expect_eq(tar_scout_feed(&scout, tar.buffer.data, begin), begin);
}

Test(tar_scout, is_lost_in_what_is_no_tar)
{
	cr_expect_eq(tar_scout_feed(&scout, data, BLOCK - 1), 0);
	cr_expect_eq(tar_scout_feed(&scout, data, BLOCK + 1), BLOCK);
	cr_expect(scout.is_lost);
}

Test(tar_scout, goes_on_behind_the_end_marker)
{
	tar_maker_add_file(&tar, "usr/bin/true", data, BLOCK);
	tar_maker_add_end(&tar);
	tar_maker_add_end(&tar);
	cr_expect_eq(feed_all(), BLOCK);
	cr_expect_not(scout.is_lost);
	/* archives one behind the other (tar -A) */
	tar_maker_add_file(&tar, "usr/bin/true", data, BLOCK);
	tar_maker_add_file(&tar, "usr/share/true", data, BLOCK);
	cr_expect_eq(feed_all(), 2 * BLOCK);
}

/* Hot bytes of a folder whose files come in this order, a block each */
static size_t feed_files(const char *const *paths)
{
	tar.buffer.size = 0;
	for (; *paths; paths++)
		tar_maker_add_file(&tar, *paths, data, BLOCK);
	return feed_all() / BLOCK;
}

Test(tar_scout, calls_sources_cold_behind_their_compiled_files)
{
	static const char *const by_name[] = {
		"lib/p/__init__.py", /* hot: before it is known */
		"lib/p/__pycache__/__init__.cpython-311.pyc", /* hot */
		"lib/p/__pycache__/b.cpython-311.pyc",	      /* hot */
		"lib/p/b.py",
		"lib/p/c.so",				   /* hot */
		"lib/p/sub/__pycache__/d.cpython-311.pyc", /* hot */
		"lib/p/sub/d.py",
		"lib/p/sub2/e.py", /* hot: has no such folder */
		"lib/p/z.py",
		"lib/p2/b.py", /* hot */
		"lib/q.py",    /* hot */
		NULL,
	};
	static const char *const not_compiled[] = { "lib/a.py", "lib/b.py",
						    NULL };

	cr_expect_eq(feed_files(by_name), 8);
	cr_expect_eq(feed_files(not_compiled), 2);
}

Test(tar_scout, knows_a_bounded_number_of_compiled_folders)
{
	char path[TAR_SCOUT_PATH_SIZE] = "";
	char name[100];

	for (size_t i = 0; i < TAR_SCOUT_DEPTH_MAX + 5; i++) {
		snprintf(name, sizeof(name), "%s/__pycache__/x.pyc", path);
		tar_maker_add_file(&tar, name + 1, data, BLOCK);
		memcpy(path + 2 * i, "/d", 3);
	}
	feed_all();
	cr_expect_leq(scout.compiled_count, TAR_SCOUT_DEPTH_MAX);
	cr_expect_not(scout.is_lost);
}

static const char *const cold_paths[] = {
	"usr/share/zoneinfo/UTC",
	"usr/include/stdio",
	"usr/src/linux/Makefile",
	"var/lib/dpkg/status",
	"boot/vmlinuz",
	"opt/lib/python3/site-packages/numpy/tests/test_x.py",
	"opt/x/test/data.bin",
	"opt/a.h",
	"opt/a.hpp",
	"opt/a.c",
	"opt/a.cpp",
	"opt/a.f90",
	"opt/a.pyi",
	"opt/a.pxd",
	"opt/libx.a",
	"opt/a.html",
	"opt/a.js",
	"opt/a.css",
	"opt/a.json",
	"opt/a.xml",
	"opt/a.svg",
	"opt/a.png",
	"opt/a.ttf",
	"opt/a.afm",
	"opt/a.csv",
	"opt/a.txt",
	"opt/a.md",
	"opt/a.rst",
	"opt/a.gz",
	"opt/a.po",
	"opt/a.mo",
};

static const char *const hot_paths[] = {
	"",
	"usr/bin/python3",
	"usr/lib/x86_64-linux-gnu/libc.so.6",
	"opt/lib/python3/site.py",
	"opt/lib/python3/__pycache__/site.cpython-311.pyc",
	"usr/sharefile",       /* a folder's name goes to its slash */
	"opt/usr/share/thing", /* and starts the path */
	"opt/var/thing",
	"opt/pytests/thing",
	"opt/testing/thing",
	"tests",
	"opt/tests", /* a file of that name */
	"opt/a.html5",
	"opt/h",
	"opt/a.h/thing",
	"h",
};

static void check_paths(const char *const *paths, size_t count, bool is_cold)
{
	static const char *const fronts[] = { "", "/", "./", "././", ".//" };
	char path[128];

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < sizeof(fronts) / sizeof(fronts[0]);
		     k++) {
			snprintf(path, sizeof(path), "%s%s", fronts[k],
				 paths[i]);
			cr_expect_eq(tar_scout_is_cold_path(path), is_cold,
				     "path: %s", path);
		}
}

Test(tar_scout, knows_cold_paths_by_every_rule)
{
	check_paths(cold_paths, sizeof(cold_paths) / sizeof(cold_paths[0]),
		    true);
}

Test(tar_scout, takes_all_other_paths_for_hot)
{
	check_paths(hot_paths, sizeof(hot_paths) / sizeof(hot_paths[0]), false);
}

Test(tar_scout, keeps_hidden_names_apart_from_a_dot_in_front)
{
	cr_expect_not(tar_scout_is_cold_path(".usr/share/thing"));
	cr_expect_not(tar_scout_is_cold_path("../usr/share/thing"));
}
