/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/ld_cache.h"

#include "common/error.h"
#include "common/le.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

enum { SIZE = 256, ENTRIES = 48, STRINGS = ENTRIES + 2 * 24 };

/* Two entries: "liba.so.1" at /usr/lib/liba.so.1, "libb.so" at /b/libb.so. */
static size_t make(uint8_t data[SIZE])
{
	static const char strings[] =
		"liba.so.1\0/usr/lib/liba.so.1\0libb.so\0/b/libb.so";

	memset(data, 0, SIZE);
	memcpy(data, "glibc-ld.so.cache1.1", 20);
	le_store32(data + 20, 2);
	memcpy(data + STRINGS, strings, sizeof(strings));
	le_store32(data + ENTRIES + 4, STRINGS);
	le_store32(data + ENTRIES + 8, STRINGS + 10);
	le_store32(data + ENTRIES + 24 + 4, STRINGS + 29);
	le_store32(data + ENTRIES + 24 + 8, STRINGS + 37);
	le_store64(data + ENTRIES + 24 + 16, UINT64_C(1) << 62);
	return STRINGS + sizeof(strings);
}

static void expect_both(const uint8_t *data, size_t size)
{
	struct ld_cache cache;
	struct ld_cache_entry entry;

	cr_assert_eq(ld_cache_parse(data, size, &cache, NULL), 0);
	cr_assert_eq(cache.count, 2);
	cr_assert_eq(ld_cache_get(&cache, 0, &entry), 0);
	cr_expect_str_eq(entry.name, "liba.so.1");
	cr_expect_str_eq(entry.path, "/usr/lib/liba.so.1");
	cr_expect_eq(entry.hwcap, 0);
	cr_assert_eq(ld_cache_get(&cache, 1, &entry), 0);
	cr_expect_str_eq(entry.name, "libb.so");
	cr_expect_neq(entry.hwcap, 0);
}

Test(ld_cache, reads_entries)
{
	uint8_t data[SIZE];

	expect_both(data, make(data));
	data[28] = 2; /* says that it is little-endian */
	expect_both(data, SIZE);
}

Test(ld_cache, finds_the_new_part_behind_the_old)
{
	uint8_t data[SIZE * 2] = { 0 };
	size_t size;

	memcpy(data, "ld.so-1.7.0", 11);
	le_store32(data + 12, 3); /* entries of 12 bytes, then to 8 */
	size = make(data + 56);
	expect_both(data, 56 + size);
}

Test(ld_cache, refuses_what_is_none)
{
	uint8_t data[SIZE];
	struct ld_cache cache;
	struct error err;

	make(data);
	cr_expect_eq(ld_cache_parse(data, 47, &cache, &err), -EBADMSG);
	data[28] = 3;
	cr_expect_eq(ld_cache_parse(data, SIZE, &cache, &err), -ENOTSUP);
	make(data);
	le_store32(data + 20, 9); /* nine would end at 264 */
	cr_expect_eq(ld_cache_parse(data, SIZE, &cache, &err), -EBADMSG);
	cr_expect(strstr(err.text, "cut short"));
	data[0] = 'x';
	cr_expect_eq(ld_cache_parse(data, SIZE, &cache, &err), -EBADMSG);
}

Test(ld_cache, passes_over_entries_that_lead_outside)
{
	static const struct {
		const char *label;
		size_t off;
		uint32_t value;
	} cases[] = {
		{ "name behind the end", ENTRIES + 4, SIZE },
		{ "path behind the end", ENTRIES + 8, 0xffffffff },
		{ "path not absolute", ENTRIES + 8, STRINGS },
		{ "name with a slash", ENTRIES + 4, STRINGS + 10 },
		{ "empty name", ENTRIES + 4, STRINGS + 9 },
	};
	uint8_t data[SIZE];
	struct ld_cache cache;
	struct ld_cache_entry entry;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t size = make(data);

		le_store32(data + cases[i].off, cases[i].value);
		cr_assert_eq(ld_cache_parse(data, size, &cache, NULL), 0);
		cr_expect_eq(ld_cache_get(&cache, 0, &entry), -EBADMSG, "%s",
			     cases[i].label);
		cr_expect_eq(ld_cache_get(&cache, 1, &entry), 0);
	}
	/* a last string without its end */
	cr_assert_eq(ld_cache_parse(data, make(data) - 1, &cache, NULL), 0);
	cr_expect_eq(ld_cache_get(&cache, 1, &entry), -EBADMSG);
}
