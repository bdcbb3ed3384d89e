/* SPDX-License-Identifier: Apache-2.0 */
#include "image/oci_layout.h"

#include "common/error.h"
#include "fetch/range_source.h"
#include "tests/support/layout_maker.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char folder[TEMP_DIR_SIZE];
static char path[TEMP_DIR_SIZE + 16];
static struct layout_maker maker;

static void set_up(void)
{
	temp_dir_create(folder);
	snprintf(path, sizeof(path), "%s/layout", folder);
	layout_maker_init(&maker, path);
}

static void tear_down(void)
{
	temp_dir_remove(folder);
}

TestSuite(oci_layout, .init = set_up, .fini = tear_down);

static struct oci_layout *open_layout(void)
{
	struct oci_layout *layout = NULL;
	struct error err = { 0 };

	cr_assert_eq(oci_layout_open(path, &layout, &err), 0, "%s", err.text);
	return layout;
}

Test(oci_layout, finds_images_by_tag_and_the_only_one_without)
{
	CLEANUP(oci_layout_closep) struct oci_layout *layout = open_layout();
	struct oci_layout_index index CLEANUP(oci_layout_index_fini) = { 0 };
	const struct oci_layout_entry *entry = NULL;
	struct layout_maker_blob a;
	struct layout_maker_blob b;
	struct error err = { 0 };

	layout_maker_add_image(&maker, "amd64", "one", &a);
	layout_maker_add_image(&maker, "amd64", "two", &b);
	layout_maker_name(&maker, &a, NULL);
	cr_assert_eq(oci_layout_load_index(layout, &index, &err), 0, "%s",
		     err.text);
	cr_assert_eq(oci_layout_find_entry(&index, NULL, &entry, NULL), 0);
	cr_expect(digest_equal(&entry->descriptor.digest, &a.digest));
	oci_layout_index_fini(&index);

	layout_maker_name(&maker, &b, "v2");
	cr_assert_eq(oci_layout_load_index(layout, &index, NULL), 0);
	cr_expect_eq(index.count, 2);
	cr_assert_eq(oci_layout_find_entry(&index, "v2", &entry, NULL), 0);
	cr_expect(digest_equal(&entry->descriptor.digest, &b.digest));
	cr_expect_eq(entry->descriptor.size, b.size);
	cr_expect_eq(oci_layout_find_entry(&index, NULL, &entry, &err),
		     -ENOENT);
	cr_expect(strstr(err.text, "name one by its tag: v2"), "%s", err.text);
	cr_expect_eq(oci_layout_find_entry(&index, "v3", &entry, &err),
		     -ENOENT);
	cr_expect(strstr(err.text, "no image \"v3\"; it has v2"), "%s",
		  err.text);
}

Test(oci_layout, says_that_a_layout_is_empty)
{
	CLEANUP(oci_layout_closep) struct oci_layout *layout = open_layout();
	struct oci_layout_index index CLEANUP(oci_layout_index_fini) = { 0 };
	const struct oci_layout_entry *entry = NULL;
	struct error err = { 0 };

	cr_assert_eq(oci_layout_load_index(layout, &index, NULL), 0);
	cr_expect_eq(oci_layout_find_entry(&index, NULL, &entry, &err),
		     -ENOENT);
	cr_expect(strstr(err.text, "is empty"));
}

Test(oci_layout, refuses_directories_that_are_none)
{
	struct oci_layout *layout = NULL;
	struct error err = { 0 };

	cr_expect_eq(oci_layout_open(folder, &layout, &err), -ENOENT);
	cr_expect(strstr(err.text, "not an OCI layout"), "%s", err.text);
	cr_expect_eq(oci_layout_open("/nowhere/at/all", &layout, &err),
		     -ENOENT);
	cr_expect(strstr(err.text, "/nowhere/at/all"), "%s", err.text);
	layout_maker_write(&maker, "oci-layout", "{}", 2);
	cr_expect_eq(oci_layout_open(path, &layout, &err), -EPROTO);
	layout_maker_write(&maker, "oci-layout",
			   "{\"imageLayoutVersion\":\"2.0.0\"}", 30);
	cr_expect_eq(oci_layout_open(path, &layout, &err), -ENOTSUP);
	cr_expect(strstr(err.text, "2.0.0"), "%s", err.text);
	cr_expect_null(layout);
}

Test(oci_layout, refuses_a_malformed_index)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{\"manifests\":7}",
		"{\"manifests\":[7]}",
		"{\"manifests\":[{\"digest\":\"sha256:1\",\"size\":1}]}",
	};
	CLEANUP(oci_layout_closep) struct oci_layout *layout = open_layout();

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct oci_layout_index index = { 0 };
		struct error err = { 0 };

		layout_maker_write(&maker, "index.json", texts[i],
				   strlen(texts[i]));
		cr_expect_eq(oci_layout_load_index(layout, &index, &err),
			     -EPROTO, "case: %s", texts[i]);
		cr_expect(strstr(err.text, path), "case: %s: %s", texts[i],
			  err.text);
		cr_expect_null(index.entries);
	}
}

Test(oci_layout, checks_blobs_against_their_digest)
{
	CLEANUP(oci_layout_closep) struct oci_layout *layout = open_layout();
	char name[128] = "blobs/sha256/";
	struct layout_maker_blob blob;
	struct error err = { 0 };
	uint8_t *data = NULL;
	size_t size = 0;

	layout_maker_add_blob(&maker, "text/plain", "hello", 5, &blob);
	cr_assert_eq(oci_layout_load_blob(layout, &blob.digest, 5, &data, &size,
					  NULL),
		     0);
	cr_expect_eq(size, 5);
	cr_expect_str_eq((char *)data, "hello");
	free(data);
	data = NULL;
	cr_expect_eq(oci_layout_load_blob(layout, &blob.digest, 4, &data, &size,
					  NULL),
		     -EFBIG);
	digest_format_hex(&blob.digest, name + strlen(name));
	layout_maker_write(&maker, name, "hellp", 5);
	cr_expect_eq(oci_layout_load_blob(layout, &blob.digest, 5, &data, &size,
					  &err),
		     -EBADMSG);
	cr_expect(strstr(err.text, "damaged"));
	blob.digest.bytes[0] ^= 1;
	cr_expect_eq(oci_layout_load_blob(layout, &blob.digest, 5, &data, &size,
					  &err),
		     -ENOENT);
	cr_expect_null(data);
}

Test(oci_layout, opens_no_blob_that_is_not_a_regular_file)
{
	CLEANUP(oci_layout_closep) struct oci_layout *layout = open_layout();
	struct digest digest = { .bytes = { 1 } };
	char hex[DIGEST_HEX_SIZE];
	char name[sizeof(path) + 128];
	uint64_t size;
	int fd = -1;

	digest_format_hex(&digest, hex);
	snprintf(name, sizeof(name), "%s/blobs/sha256/%s", path, hex);
	cr_assert_eq(mkfifo(name, 0600), 0);
	cr_expect_eq(oci_layout_open_file(layout, &digest, &fd, &size, NULL),
		     -EPROTO);
	cr_expect_eq(fd, -1);
}

static void keep_data(void *arg, int result, uint8_t *data,
		      const struct error *err)
{
	(void)err;
	cr_expect_eq(result, 0);
	*(uint8_t **)arg = data;
}

Test(oci_layout, reads_layers_by_range)
{
	CLEANUP(oci_layout_closep) struct oci_layout *layout = open_layout();
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct layout_maker_blob blob;
	struct error err = { 0 };
	uint8_t *data = NULL;

	layout_maker_add_blob(&maker, "text/plain", "0123456789", 10, &blob);
	cr_expect_eq(
		oci_layout_open_blob(layout, &blob.digest, 11, &source, &err),
		-EPROTO);
	cr_assert_eq(
		oci_layout_open_blob(layout, &blob.digest, 10, &source, NULL),
		0);
	range_source_fetch(source, 3, 4, INT64_MAX, keep_data, &data);
	cr_assert(data);
	cr_expect_eq(memcmp(data, "3456", 4), 0);
	free(data);
}
