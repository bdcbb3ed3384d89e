/* SPDX-License-Identifier: Apache-2.0 */
#include "index/tar_reader.h"

#include "common/error.h"
#include "index/entry_list.h"
#include "index/tree.h"
#include "tests/support/tar_listing.h"
#include "tests/support/tar_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct tar_maker tar = TAR_MAKER_INIT;
static struct entry_list *list;
static struct error err;

static void set_up(void)
{
	list = entry_list_create(UINT32_MAX);
	cr_assert(list);
}

static void tear_down(void)
{
	entry_list_destroy(list);
	tar_maker_fini(&tar);
}

TestSuite(tar_reader, .init = set_up, .fini = tear_down);

static int read_tar(void)
{
	return tar_listing_read(tar.buffer.data, tar.buffer.size, 4096, list,
				&err);
}

static const struct tree_entry *find(const char *path)
{
	const struct tree_entry *entry = tar_listing_find(list, path);

	cr_assert(entry, "%s is listed", path);
	return entry;
}

static void fill(uint8_t *data, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245 + 12345;
		data[i] = (uint8_t)(seed >> 16);
	}
}

Test(tar_reader, reads_each_type_of_entry)
{
	const struct tree_entry *entry;

	tar_maker_add_directory(&tar, "etc/");
	tar_maker_add_file(&tar, "etc/hostname", "box\n", 4);
	tar_maker_add_symlink(&tar, "etc/mtab", "/proc/mounts");
	tar_maker_add_hard_link(&tar, "etc/name", "etc/hostname");
	tar_maker_add_end(&tar);
	cr_assert_eq(read_tar(), 0, "%s", err.text);
	cr_expect_eq(entry_list_count(list), 4);

	entry = find("etc/");
	cr_expect_eq(entry->mode, S_IFDIR | 0755);
	cr_expect_eq(entry->mtime_s, 1000000000);
	entry = find("etc/hostname");
	cr_expect_eq(entry->mode, S_IFREG | 0644);
	cr_expect_eq(entry->size, 4);
	cr_assert_eq(entry->extent_count, 1);
	cr_expect_eq(entry->extents[0].raw_off, 1024);
	cr_expect_eq(entry->extents[0].file_off, 0);
	cr_expect_eq(entry->extents[0].size, 4);
	entry = find("etc/mtab");
	cr_expect_eq(entry->mode, S_IFLNK | 0777);
	cr_expect_str_eq(entry->symlink, "/proc/mounts");
	cr_expect_null(entry->hard_link);
	entry = find("etc/name");
	cr_expect_str_eq(entry->hard_link, "etc/hostname");
	cr_expect_null(entry->symlink);
}

Test(tar_reader, reads_devices_and_fifos)
{
	const struct tar_maker_header headers[] = {
		{ .name = "null",
		  .type = '3',
		  .mode = 0666,
		  .major = 1,
		  .minor = 3 },
		{ .name = "sda",
		  .type = '4',
		  .mode = 0660,
		  .major = 4095,
		  .minor = 1048575 },
		{ .name = "far",
		  .format = TAR_MAKER_GNU,
		  .type = '3',
		  .major = 4095,
		  .minor = 16777216 },
		{ .name = "pipe", .type = '6', .mode = 01600 },
	};
	const struct tree_entry *entry;

	for (size_t i = 0; i < 4; i++)
		tar_maker_add_header(&tar, &headers[i]);
	tar_maker_add_end(&tar);
	cr_assert_eq(read_tar(), 0, "%s", err.text);
	entry = find("null");
	cr_expect_eq(entry->mode, S_IFCHR | 0666);
	cr_expect_eq(entry->rdev_major, 1);
	cr_expect_eq(entry->rdev_minor, 3);
	entry = find("sda");
	cr_expect_eq(entry->mode, S_IFBLK | 0660);
	cr_expect_eq(entry->rdev_major, 4095);
	cr_expect_eq(entry->rdev_minor, 1048575);
	cr_expect_eq(find("far")->rdev_minor, 16777216);
	entry = find("pipe");
	cr_expect_eq(entry->mode, S_IFIFO | 01600);
	cr_expect_eq(entry->rdev_major, 0);
}

Test(tar_reader, finds_data_however_the_stream_is_cut)
{
	static const size_t sizes[] = { 0, 1, 511, 512, 513, 5000, 70000 };
	static const size_t block_sizes[] = { 1, 7, 512, 513, 4096, 1 << 20 };
	static uint8_t data[70000];
	char path[32];

	for (size_t i = 0; i < 7; i++) {
		fill(data, sizes[i], (unsigned)i);
		snprintf(path, sizeof(path), "file%zu", i);
		tar_maker_add_file(&tar, path, data, sizes[i]);
	}
	tar_maker_add_end(&tar);
	for (size_t b = 0; b < 6; b++) {
		struct entry_list *cut = entry_list_create(UINT32_MAX);
		const struct tree_entry *entry = NULL;

		cr_assert_eq(tar_listing_read(tar.buffer.data, tar.buffer.size,
					      block_sizes[b], cut, &err),
			     0, "%s", err.text);
		for (size_t i = 0; i < 7; i++) {
			uint8_t *content;

			entry = entry_list_next(cut, entry);
			cr_assert(entry);
			cr_expect_eq(entry->size, sizes[i]);
			cr_expect_eq(entry->extent_count, sizes[i] ? 1 : 0);
			content = tar_listing_content(entry, tar.buffer.data,
						      tar.buffer.size);
			fill(data, sizes[i], (unsigned)i);
			cr_expect_arr_eq(content, data, sizes[i],
					 "file %zu in blocks of %zu", i,
					 block_sizes[b]);
			free(content);
		}
		entry_list_destroy(cut);
	}
}

Test(tar_reader, reads_long_names_of_every_form)
{
	static char longest[TAR_READER_PATH_SIZE_MAX + 1];
	static char gnu[3001];
	char prefix[156];
	char path[300];

	memset(prefix, 'p', 155);
	prefix[155] = '\0';
	tar_maker_add_header(&tar, &(struct tar_maker_header){ .name = "tail",
							       .prefix = prefix,
							       .type = '0' });
	memset(longest, 'x', sizeof(longest) - 1);
	tar_maker_add_file(&tar, longest, "", 0);
	tar_maker_add_symlink(&tar, "link", longest);
	memset(gnu, 'g', sizeof(gnu) - 1);
	tar_maker_add_gnu_long(&tar, 'L', gnu);
	tar_maker_add_gnu_long(&tar, 'K', longest);
	tar_maker_add_header(
		&tar, &(struct tar_maker_header){ .format = TAR_MAKER_GNU,
						  .name = "ggg",
						  .link = "xxx",
						  .type = '1' });
	tar_maker_add_end(&tar);
	cr_assert_eq(read_tar(), 0, "%s", err.text);
	snprintf(path, sizeof(path), "%s/tail", prefix);
	find(path);
	find(longest);
	cr_expect_str_eq(find("link")->symlink, longest);
	cr_expect_str_eq(find(gnu)->hard_link, longest);
}

Test(tar_reader, refuses_names_past_what_linux_allows)
{
	static char name[TAR_READER_PATH_SIZE_MAX + 2];

	memset(name, 'x', sizeof(name) - 1);
	tar_maker_add_file(&tar, name, "", 0);
	cr_expect_eq(read_tar(), -EFBIG);
	tar_maker_fini(&tar);
	tar_maker_add_symlink(&tar, "a", name);
	cr_expect_eq(read_tar(), -EFBIG);
	tar_maker_fini(&tar);
	tar_maker_add_hard_link(&tar, "a", name);
	cr_expect_eq(read_tar(), -EFBIG);
	cr_expect(strstr(err.text, "tar entry a"), "%s", err.text);
}

/* "cafe" + U+0301 (NFD), U+212A KELVIN SIGN (NFC is plain K), Latin-1, bytes
 * that no charset has, and ASCII punctuation. */
static const char *const raw_names[] = {
	"caf\xc3\xa9",	 "cafe\xcc\x81",     "\xe2\x84\xaa",
	"caf\xe9",	 "\xff\xfe\x80",     "\xcd\xbe",
	"\xef\xbb\xbfx", "\xe2\x80",	     "\xed\xa0\x80",
	"a\\b*?:",	 "\xf0\x9f\x92\xa9", "\xe1\x84\x80\xe1\x85\xa1",
	"A\xcc\x8a",
};

static void check_names(const char *locale_name)
{
	size_t count = sizeof(raw_names) / sizeof(raw_names[0]);
	const struct tree_entry *entry = NULL;
	struct entry_list *names = entry_list_create(UINT32_MAX);

	cr_assert(setlocale(LC_ALL, locale_name), "%s", locale_name);
	cr_assert_eq(tar_listing_read(tar.buffer.data, tar.buffer.size, 4096,
				      names, &err),
		     0, "%s: %s", locale_name, err.text);
	cr_expect_eq(entry_list_count(names), 3 * count);
	for (size_t i = 0; i < 3 * count; i++) {
		entry = entry_list_next(names, entry);
		cr_assert(entry);
		cr_expect_str_eq(entry->path, raw_names[i / 3],
				 "%s: name %zu, form %zu", locale_name, i / 3,
				 i % 3);
		cr_expect_str_eq(entry->symlink, raw_names[i / 3],
				 "%s: link %zu, form %zu", locale_name, i / 3,
				 i % 3);
	}
	entry_list_destroy(names);
}

Test(tar_reader, keeps_the_bytes_of_names_in_any_locale)
{
	for (size_t i = 0; i < sizeof(raw_names) / sizeof(raw_names[0]); i++) {
		const char *name = raw_names[i];
		struct tar_maker_header header = {
			.name = name,
			.link = name,
			.type = '2',
		};
		const struct tar_maker_record records[] = {
			TAR_MAKER_RECORD("path", name),
			TAR_MAKER_RECORD("linkpath", name),
			TAR_MAKER_RECORD("uname", name),
		};

		tar_maker_add_header(&tar, &header);
		header.format = TAR_MAKER_GNU;
		header.name = header.link = "wrong";
		tar_maker_add_gnu_long(&tar, 'L', name);
		tar_maker_add_gnu_long(&tar, 'K', name);
		tar_maker_add_header(&tar, &header);
		header.format = TAR_MAKER_USTAR;
		tar_maker_add_pax(&tar, 'x', records, 3);
		tar_maker_add_header(&tar, &header);
	}
	tar_maker_add_end(&tar);
	check_names("C");
	check_names("C.UTF-8");
}

Test(tar_reader, reads_numeric_owners_of_any_size)
{
	const struct tar_maker_record ids[] = {
		TAR_MAKER_RECORD("uid", "4294967294"),
		TAR_MAKER_RECORD("gid", "3000000000"),
	};
	const struct tar_maker_record huge =
		TAR_MAKER_RECORD("uid", "4294967296");

	tar_maker_add_header(&tar,
			     &(struct tar_maker_header){ .name = "base256",
							 .type = '0',
							 .uid = 4000000000,
							 .gid = -2 });
	tar_maker_add_pax(&tar, 'x', ids, 2);
	tar_maker_add_file(&tar, "pax", "", 0);
	cr_assert_eq(read_tar(), 0, "%s", err.text);
	cr_expect_eq(find("base256")->uid, 4000000000);
	cr_expect_eq(find("base256")->gid, 4294967294);
	cr_expect_eq(find("pax")->uid, 4294967294);
	cr_expect_eq(find("pax")->gid, 3000000000);

	tar_maker_add_pax(&tar, 'x', &huge, 1);
	tar_maker_add_file(&tar, "huge", "", 0);
	cr_expect_eq(read_tar(), -EBADMSG);
	cr_expect(strstr(err.text, "huge"), "%s", err.text);
}

Test(tar_reader, reads_times_before_1970_and_below_a_second)
{
	static const struct {
		const char *text;
		int64_t s;
		uint32_t ns;
	} times[] = {
		{ "0", 0, 0 },
		{ "1234567890.123456789", 1234567890, 123456789 },
		{ "1.5", 1, 500000000 },
		{ "-1", -1, 0 },
		{ "-1.5", -2, 500000000 },
		{ "-62135596800", -62135596800, 0 },
		{ "253402300799.9", 253402300799, 900000000 },
	};
	char path[16];

	for (size_t i = 0; i < 7; i++) {
		const struct tar_maker_record record =
			TAR_MAKER_RECORD("mtime", times[i].text);

		snprintf(path, sizeof(path), "%zu", i);
		tar_maker_add_pax(&tar, 'x', &record, 1);
		tar_maker_add_file(&tar, path, "", 0);
	}
	tar_maker_add_header(
		&tar, &(struct tar_maker_header){ .name = "base256",
						  .type = '0',
						  .mtime = -12345678901 });
	cr_assert_eq(read_tar(), 0, "%s", err.text);
	for (size_t i = 0; i < 7; i++) {
		snprintf(path, sizeof(path), "%zu", i);
		cr_expect_eq(find(path)->mtime_s, times[i].s, "%s",
			     times[i].text);
		cr_expect_eq(find(path)->mtime_ns, times[i].ns, "%s",
			     times[i].text);
	}
	cr_expect_eq(find("base256")->mtime_s, -12345678901);
}

Test(tar_reader, skips_data_that_a_pax_hard_link_carries)
{
	const struct tar_maker_record size = TAR_MAKER_RECORD("size", "5");

	tar_maker_add_file(&tar, "a", "12345", 5);
	tar_maker_add_pax(&tar, 'x', &size, 1);
	tar_maker_add_header(&tar, &(struct tar_maker_header){ .name = "b",
							       .link = "a",
							       .type = '1',
							       .size = 5 });
	tar_maker_add_data(&tar, "12345", 5);
	tar_maker_add_file(&tar, "c", "xyz", 3);
	tar_maker_add_end(&tar);
	cr_assert_eq(read_tar(), 0, "%s", err.text);
	cr_expect_str_eq(find("b")->hard_link, "a");
	cr_expect_eq(find("b")->extent_count, 0);
	cr_expect_eq(find("c")->extents[0].raw_off, 7 * 512);
}

Test(tar_reader, ignores_the_size_of_an_old_hard_link)
{
	tar_maker_add_file(&tar, "a", "12345", 5);
	tar_maker_add_header(&tar, &(struct tar_maker_header){ .name = "b",
							       .link = "a",
							       .type = '1',
							       .size = 5 });
	tar_maker_add_file(&tar, "c", "xyz", 3);
	tar_maker_add_end(&tar);
	cr_assert_eq(read_tar(), 0, "%s", err.text);
	cr_expect_eq(find("c")->extents[0].raw_off, 4 * 512);
}

Test(tar_reader, keeps_files_that_look_like_macos_metadata)
{
	tar_maker_add_file(&tar, "dir/._x", "meta", 4);
	tar_maker_add_file(&tar, "dir/x", "data", 4);
	tar_maker_add_end(&tar);
	cr_assert_eq(read_tar(), 0, "%s", err.text);
	cr_expect_eq(find("dir/._x")->size, 4);
	cr_expect_eq(find("dir/x")->size, 4);
}

Test(tar_reader, takes_a_file_named_like_a_directory_for_one)
{
	const struct tar_maker_record path =
		TAR_MAKER_RECORD("path", "caf\xc3\xa9/");

	tar_maker_add_file(&tar, "old/", "", 0);
	tar_maker_add_pax(&tar, 'x', &path, 1);
	tar_maker_add_file(&tar, "cafe/", "", 0);
	cr_assert_eq(read_tar(), 0, "%s", err.text);
	cr_expect_eq(find("old/")->mode, S_IFDIR | 0644);
	cr_expect_eq(find("caf\xc3\xa9/")->mode, S_IFDIR | 0644);
}

Test(tar_reader, reads_v7_archives_and_skips_global_headers)
{
	const struct tar_maker_record comment =
		TAR_MAKER_RECORD("comment", "0123456789abcdef");

	tar_maker_add_pax(&tar, 'g', &comment, 1);
	tar_maker_add_header(&tar,
			     &(struct tar_maker_header){ .format = TAR_MAKER_V7,
							 .name = "old",
							 .mode = 04755,
							 .size = 2 });
	tar_maker_add_data(&tar, "hi", 2);
	tar_maker_add_end(&tar);
	cr_assert_eq(read_tar(), 0, "%s", err.text);
	cr_expect_eq(entry_list_count(list), 1);
	cr_expect_eq(find("old")->mode, S_IFREG | 04755);
	cr_expect_eq(find("old")->extents[0].raw_off, 3 * 512);
}

Test(tar_reader, takes_nothing_for_an_empty_archive)
{
	cr_expect_eq(read_tar(), 0, "%s", err.text);
	tar_maker_add_end(&tar);
	cr_expect_eq(read_tar(), 0, "%s", err.text);
	cr_expect_eq(entry_list_count(list), 0);
}

/* tar_listing_read() checks that all of it was read. */
Test(tar_reader, reads_past_the_end_marker_to_the_end_of_the_stream)
{
	static const uint8_t garbage[100000] = { 1, 2, 3 };

	tar_maker_add_file(&tar, "a", "x", 1);
	tar_maker_add_end(&tar);
	tar_maker_add_bytes(&tar, garbage, sizeof(garbage));
	cr_assert_eq(read_tar(), 0, "%s", err.text);
	cr_expect_eq(entry_list_count(list), 1);
}

Test(tar_reader, accepts_an_archive_without_end_marker)
{
	tar_maker_add_file(&tar, "a", "x", 1);
	cr_assert_eq(read_tar(), 0, "%s", err.text);
	cr_expect_eq(entry_list_count(list), 1);
}

Test(tar_reader, notices_truncation_anywhere_within_an_entry)
{
	const struct tar_maker_record path =
		TAR_MAKER_RECORD("path", "a/long/name");
	static const uint8_t data[700];

	tar_maker_add_pax(&tar, 'x', &path, 1);
	tar_maker_add_file(&tar, "short", data, sizeof(data));
	for (size_t size = 1; size < 3 * 512 + sizeof(data); size++) {
		struct entry_list *cut = entry_list_create(UINT32_MAX);

		cr_expect_eq(tar_listing_read(tar.buffer.data, size, 4096, cut,
					      &err),
			     -EBADMSG, "cut at %zu", size);
		cr_expect_eq(entry_list_count(cut), 0);
		entry_list_destroy(cut);
	}
}

Test(tar_reader, refuses_what_is_not_a_tar_archive)
{
	static const char text[] = "<html><body>404 not found</body></html>";

	tar_maker_add_data(&tar, text, sizeof(text));
	cr_expect_eq(read_tar(), -EBADMSG);
	cr_expect(strstr(err.text, "not a sound tar archive"), "%s", err.text);
}

Test(tar_reader, refuses_a_damaged_header)
{
	tar_maker_add_file(&tar, "a", "x", 1);
	tar_maker_add_header(
		&tar, &(struct tar_maker_header){ .name = "b",
						  .type = '0',
						  .has_bad_checksum = true });
	tar_maker_add_end(&tar);
	cr_expect_eq(read_tar(), -EBADMSG);
	cr_expect(strstr(err.text, "1536"), "says where: %s", err.text);
}

Test(tar_reader, refuses_malformed_pax_records)
{
	static const char *const bodies[] = {
		"x", "99 path=a\n", "8 path=a\n", "10 patha\n", "0 \n",
	};

	for (size_t i = 0; i < 5; i++) {
		tar_maker_fini(&tar);
		tar_maker_add_header(
			&tar, &(struct tar_maker_header){
				      .name = "pax",
				      .type = 'x',
				      .size = (int64_t)strlen(bodies[i]) });
		tar_maker_add_data(&tar, bodies[i], strlen(bodies[i]));
		tar_maker_add_file(&tar, "a", "", 0);
		cr_expect_eq(read_tar(), -EBADMSG, "body %zu", i);
	}
}

Test(tar_reader, refuses_entries_that_make_no_sense)
{
	static const struct tar_maker_header headers[] = {
		{ .name = "", .type = '0' },
		{ .name = "link", .type = '2', .link = "" },
		{ .name = "volume", .type = 'M' },
		{ .name = "negative", .type = '0', .size = -1 },
	};

	for (size_t i = 0; i < 4; i++) {
		tar_maker_fini(&tar);
		tar_maker_add_header(&tar, &headers[i]);
		tar_maker_add_end(&tar);
		cr_expect_eq(read_tar(), -EBADMSG, "header %zu", i);
	}
}

struct failing {
	unsigned byte_calls;
	unsigned entry_calls;
	int byte_result;
	int entry_result;
};

static ssize_t fail_after_two(void *arg, const void **ret, struct error *e)
{
	struct failing *failing = arg;

	if (failing->byte_calls++ >= 2 && failing->byte_result)
		return error_set(e, failing->byte_result, "unplugged");
	if (failing->byte_calls > 4)
		return 0;
	*ret = tar.buffer.data + (failing->byte_calls - 1) * 512;
	return 512;
}

static int refuse(void *arg, const struct tree_entry *entry, struct error *e)
{
	struct failing *failing = arg;

	(void)entry;
	failing->entry_calls++;
	if (failing->entry_result)
		return error_set(e, failing->entry_result, "unwanted");
	return 0;
}

Test(tar_reader, passes_on_what_the_stream_says)
{
	static const uint8_t data[1024];
	struct failing failing = { .byte_result = -ETIMEDOUT };

	tar_maker_add_file(&tar, "a", data, sizeof(data));
	tar_maker_add_end(&tar);
	cr_expect_eq(tar_reader_read(fail_after_two, refuse, &failing, &err),
		     -ETIMEDOUT);
	cr_expect_str_eq(err.text, "unplugged");
	cr_expect_eq(failing.byte_calls, 3);
	cr_expect_eq(failing.entry_calls, 0);
}

Test(tar_reader, stops_when_the_caller_says_so)
{
	struct failing failing = { .entry_result = -ENOSPC };

	tar_maker_add_file(&tar, "a", "", 0);
	tar_maker_add_file(&tar, "b", "", 0);
	tar_maker_add_end(&tar);
	cr_expect_eq(tar_reader_read(fail_after_two, refuse, &failing, &err),
		     -ENOSPC);
	cr_expect_str_eq(err.text, "unwanted");
	cr_expect_eq(failing.entry_calls, 1);
}
