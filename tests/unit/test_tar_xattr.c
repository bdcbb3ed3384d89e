/* SPDX-License-Identifier: Apache-2.0 */
#include "index/tar_xattr.h"

#include "common/error.h"
#include "index/entry_list.h"
#include "index/tree.h"
#include "tests/support/tar_listing.h"
#include "tests/support/tar_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
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

TestSuite(tar_xattr, .init = set_up, .fini = tear_down);

/* Reads an archive of one file, mode 0640, with these records. */
static int read_file_with(const struct tar_maker_record *records, size_t count)
{
	const struct tar_maker_header header = {
		.name = "file",
		.type = '0',
		.mode = 0640,
	};

	tar_maker_fini(&tar);
	tar_maker_add_pax(&tar, 'x', records, count);
	tar_maker_add_header(&tar, &header);
	tar_maker_add_end(&tar);
	return tar_listing_read(tar.buffer.data, tar.buffer.size, 4096, list,
				&err);
}

static const struct tree_entry *file(void)
{
	const struct tree_entry *entry = tar_listing_find(list, "file");

	cr_assert(entry);
	return entry;
}

static void check_xattr(const char *name, const void *value, size_t size)
{
	const struct tree_entry *entry = file();
	size_t count = 0;

	for (size_t i = 0; i < entry->xattr_count; i++) {
		if (strcmp(entry->xattrs[i].name, name) != 0)
			continue;
		count++;
		cr_assert_eq(entry->xattrs[i].value_size, size, "%s", name);
		cr_expect_arr_eq(entry->xattrs[i].value, value, size, "%s",
				 name);
	}
	cr_expect_eq(count, 1, "%s is there %zu times", name, count);
}

Test(tar_xattr, keeps_binary_values)
{
	static const uint8_t capability[20] = { 1, 0, 0, 2, 0, 0x20, 0, '\n', 0,
						0, 0, 0, 0, 0, 0,    0, 255 };
	const struct tar_maker_record records[] = {
		{ "SCHILY.xattr.security.capability", capability, 20 },
		{ "SCHILY.xattr.user.caf\xc3\xa9", "\xff\x00\n=", 4 },
	};

	cr_assert_eq(read_file_with(records, 2), 0, "%s", err.text);
	cr_expect_eq(file()->xattr_count, 2);
	check_xattr("security.capability", capability, 20);
	check_xattr("user.caf\xc3\xa9", "\xff\x00\n=", 4);
}

Test(tar_xattr, takes_a_record_without_value_for_a_deletion)
{
	const struct tar_maker_record records[] = {
		TAR_MAKER_RECORD("SCHILY.xattr.user.a", "old"),
		{ "SCHILY.xattr.user.a", "", 0 },
		TAR_MAKER_RECORD("SCHILY.xattr.user.b", "kept"),
	};

	cr_assert_eq(read_file_with(records, 3), 0, "%s", err.text);
	cr_expect_eq(file()->xattr_count, 1);
	check_xattr("user.b", "kept", 4);
}

/* bsdtar writes every attribute in both forms. */
Test(tar_xattr, gives_an_attribute_stored_in_two_forms_once)
{
	const struct tar_maker_record records[] = {
		TAR_MAKER_RECORD("LIBARCHIVE.xattr.user.note", "aGVsbG8"),
		TAR_MAKER_RECORD("SCHILY.xattr.user.note", "hello"),
		TAR_MAKER_RECORD("LIBARCHIVE.xattr.user.a%20b", "eA"),
	};

	cr_assert_eq(read_file_with(records, 3), 0, "%s", err.text);
	cr_expect_eq(file()->xattr_count, 2);
	check_xattr("user.note", "hello", 5);
	check_xattr("user.a b", "x", 1);
}

Test(tar_xattr, takes_the_last_of_repeated_records)
{
	const struct tar_maker_record records[] = {
		TAR_MAKER_RECORD("SCHILY.xattr.user.a", "old"),
		TAR_MAKER_RECORD("SCHILY.xattr.user.a", "new"),
	};

	cr_assert_eq(read_file_with(records, 2), 0, "%s", err.text);
	check_xattr("user.a", "new", 3);
}

Test(tar_xattr, refuses_what_linux_does_not_allow)
{
	static char value[TAR_XATTR_VALUE_SIZE_MAX + 2];
	static char key[sizeof("SCHILY.xattr.") + 256];
	struct tar_maker_record record = { "SCHILY.xattr.user.a", value,
					   TAR_XATTR_VALUE_SIZE_MAX };

	memset(value, 'v', sizeof(value) - 1);
	cr_expect_eq(read_file_with(&record, 1), 0, "%s", err.text);
	record.value_size++;
	cr_expect_eq(read_file_with(&record, 1), -EFBIG);
	snprintf(key, sizeof(key), "SCHILY.xattr.%s", "user.");
	memset(key + strlen(key), 'k', sizeof(key) - 1 - strlen(key));
	record = TAR_MAKER_RECORD(key, "x");
	cr_expect_eq(read_file_with(&record, 1), -EFBIG);
}

Test(tar_xattr, refuses_too_many_attributes)
{
	enum { COUNT = TAR_XATTR_COUNT_MAX + 1 };
	static struct tar_maker_record records[COUNT];
	static char keys[COUNT][32];

	for (size_t i = 0; i < COUNT; i++) {
		snprintf(keys[i], sizeof(keys[i]), "SCHILY.xattr.user.%zu", i);
		records[i] = TAR_MAKER_RECORD(keys[i], "x");
	}
	cr_expect_eq(read_file_with(records, COUNT - 1), 0, "%s", err.text);
	cr_expect_eq(file()->xattr_count, COUNT - 1);
	cr_expect_eq(read_file_with(records, COUNT), -EFBIG);
}

/* user::rw-, user:1000:rwx, user:70000:r--, group::r-x, group:5:---,
 * mask::r--, other::--- */
static const uint8_t access_acl[] = {
	2,    0,   0,	0,   0x01, 0, 6, 0, 255,  255,	255, 255, 0x02, 0, 7, 0,
	0xe8, 3,   0,	0,   0x02, 0, 4, 0, 0x70, 0x11, 1,   0,	  0x04, 0, 5, 0,
	255,  255, 255, 255, 0x08, 0, 0, 0, 5,	  0,	0,   0,	  0x10, 0, 4, 0,
	255,  255, 255, 255, 0x20, 0, 0, 0, 255,  255,	255, 255,
};

Test(tar_xattr, turns_text_acls_into_the_kernels_form)
{
	static const uint8_t default_acl[] = {
		2,    0,   0,	 0, 0x01, 0,   7,   0,	 255, 255,
		255,  255, 0x04, 0, 5,	  0,   255, 255, 255, 255,
		0x20, 0,   0,	 0, 255,  255, 255, 255,
	};
	const struct tar_maker_record records[] = {
		TAR_MAKER_RECORD("SCHILY.acl.access",
				 "user::rw-,user:70000:r--,group::r-x,"
				 "user:joe:rwx:1000,group:5:---,"
				 "mask::r--,other::---"),
		TAR_MAKER_RECORD("SCHILY.acl.default",
				 "user::rwx\ngroup::r-x\nother::---"),
	};

	cr_assert_eq(read_file_with(records, 2), 0, "%s", err.text);
	cr_expect_eq(file()->xattr_count, 2);
	check_xattr("system.posix_acl_access", access_acl, sizeof(access_acl));
	check_xattr("system.posix_acl_default", default_acl,
		    sizeof(default_acl));
	/* the group bits are the mask's */
	cr_expect_eq(file()->mode, S_IFREG | 0640, "%o", file()->mode);
}

Test(tar_xattr, makes_no_attribute_of_an_acl_that_only_repeats_the_mode)
{
	const struct tar_maker_record record = TAR_MAKER_RECORD(
		"SCHILY.acl.access", "user::rw-,group::r--,other::---");

	cr_assert_eq(read_file_with(&record, 1), 0, "%s", err.text);
	cr_expect_eq(file()->xattr_count, 0);
	cr_expect_eq(file()->mode, S_IFREG | 0640);
}

Test(tar_xattr, leaves_out_acls_that_need_the_packers_user_names)
{
	const struct tar_maker_record record = TAR_MAKER_RECORD(
		"SCHILY.acl.access", "user::rw-,user:joe:rwx,group::r--,"
				     "mask::r--,other::---");

	cr_assert_eq(read_file_with(&record, 1), 0, "%s", err.text);
	cr_expect_eq(file()->xattr_count, 0);
	cr_expect_eq(file()->mode, S_IFREG | 0640);
}

Test(tar_xattr, prefers_an_acl_that_was_stored_as_attribute)
{
	const struct tar_maker_record records[] = {
		{ "SCHILY.xattr.system.posix_acl_access", access_acl,
		  sizeof(access_acl) },
		TAR_MAKER_RECORD("SCHILY.acl.access",
				 "user::rw-,user:1:rwx,group::r--,"
				 "mask::r--,other::---"),
	};

	cr_assert_eq(read_file_with(records, 2), 0, "%s", err.text);
	cr_expect_eq(file()->xattr_count, 1);
	check_xattr("system.posix_acl_access", access_acl, sizeof(access_acl));
}
