/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_description.h"

#include "common/error.h"
#include "fetch/object_source.h"
#include "image/object_manifest.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An image that is one object brings manifest and configuration with it. */
static struct image_document document;
static uint8_t *config;
static size_t config_size;
static struct image_description description;

static void set_up(void)
{
	static char name[] = "https://host/x.sif";
	static char etag[] = "\"abc\"";
	static char date[] = "Fri, 27 Nov 2026 00:00:00 GMT";
	const struct object_identity identity = {
		.size = 1234567,
		.name = name,
		.etag = etag,
		.last_modified = date,
	};

	cr_assert_eq(object_manifest_make(&identity, "amd64", &document,
					  &config, &config_size, NULL),
		     0);
	description = (struct image_description){
		.reference = "https://host/x.sif",
		.is_object = true,
		.digest = document.digest,
	};
}

static void tear_down(void)
{
	image_description_fini(&description);
	image_document_fini(&document);
	free(config);
}

TestSuite(image_description, .init = set_up, .fini = tear_down);

static int copy(struct error *err)
{
	return image_description_copy(&description, document.bytes,
				      document.size, config, config_size, err);
}

Test(image_description, copies_manifest_and_configuration_once)
{
	const uint8_t *bytes;

	cr_assert_eq(copy(NULL), 0);
	bytes = description.document.bytes;
	cr_expect_neq(bytes, document.bytes);
	cr_expect_eq(description.manifest.layer_count, 1);
	cr_expect_str_eq(description.config.architecture, "amd64");
	cr_assert_eq(copy(NULL), 0);
	cr_expect_eq(description.document.bytes, bytes);
}

Test(image_description, takes_the_manifest_of_no_other_image)
{
	struct error err = { 0 };

	description.digest.bytes[0] ^= 1;
	cr_expect_eq(copy(&err), -EBADMSG);
	cr_expect(strstr(err.text, "of another image"), "%s", err.text);
	cr_expect_null(description.document.bytes);
}

Test(image_description, takes_no_manifest_of_another_kind)
{
	struct error err = { 0 };

	description.is_object = false;
	cr_expect_eq(copy(&err), -EPROTO);
	cr_expect(strstr(err.text, "another kind"), "%s", err.text);
	cr_expect_null(description.document.bytes);
}

Test(image_description, takes_no_other_configuration)
{
	struct error err = { 0 };

	config[config_size - 2] ^= 1;
	cr_expect_eq(copy(&err), -EBADMSG);
	cr_expect(strstr(err.text, "another configuration"), "%s", err.text);
	cr_expect_null(description.config_json);
	config[config_size - 2] ^= 1;
	cr_expect_eq(copy(NULL), 0);
}

Test(image_description, takes_what_was_fetched)
{
	struct image_document taken = document;

	document.bytes = NULL;
	cr_assert_eq(
		image_description_take_manifest(&description, &taken, NULL), 0);
	cr_expect_null(taken.bytes);
	cr_assert_eq(image_description_take_config(&description, config, NULL),
		     0);
	config = NULL;
	cr_expect_eq(description.config.diff_id_count, 1);
}

Test(image_description, wants_as_many_layers_in_both)
{
	static const char json[] =
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{"
		"\"type\":\"layers\",\"diff_ids\":[]}}";
	struct image_document taken = document;
	struct error err = { 0 };

	document.bytes = NULL;
	cr_assert_eq(
		image_description_take_manifest(&description, &taken, NULL), 0);
	description.manifest.config.size = sizeof(json) - 1;
	cr_expect_eq(image_description_take_config(
			     &description, (uint8_t *)strdup(json), &err),
		     -EPROTO);
	cr_expect(strstr(err.text, "the manifest has 1 layers"), "%s",
		  err.text);
}
