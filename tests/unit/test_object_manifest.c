/* SPDX-License-Identifier: Apache-2.0 */
#include "image/object_manifest.h"

#include "common/error.h"
#include "fetch/object_source.h"
#include "image/image_config.h"
#include "image/image_origin.h"
#include "image/manifest.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct object_identity identity(void)
{
	static char name[] = "https://host/x.sif";
	static char etag[] = "\"abc\"";
	static char date[] = "Fri, 27 Nov 2026 00:00:00 GMT";

	return (struct object_identity){
		.size = 1234567,
		.name = name,
		.etag = etag,
		.last_modified = date,
	};
}

static struct image_document make(const struct object_identity *object)
{
	struct image_document document = { 0 };
	uint8_t *config = NULL;
	size_t config_size = 0;
	struct image_config parsed;

	cr_assert_eq(object_manifest_make(object, "amd64", &document, &config,
					  &config_size, NULL),
		     0);
	cr_assert_eq(image_config_parse(config, config_size, &parsed, NULL), 0);
	cr_expect_str_eq(parsed.architecture, "amd64");
	cr_expect_eq(parsed.diff_id_count, 1);
	image_config_fini(&parsed);
	free(config);
	return document;
}

static int check(const struct image_document *document, bool has_digests,
		 const struct object_identity *object, struct error *err)
{
	return object_manifest_check(document->bytes, document->size,
				     has_digests, object, err);
}

Test(object_manifest, is_a_manifest_that_depends_on_the_identity_alone)
{
	struct object_identity object = identity();
	struct image_document one = make(&object);
	struct image_document same = make(&object);
	struct image_document other;
	struct manifest manifest;

	cr_expect(digest_equal(&one.digest, &same.digest));
	cr_assert_eq(manifest_parse(one.bytes, one.size, &manifest, NULL), 0);
	cr_expect_eq(manifest.layer_count, 1);
	cr_expect_eq(manifest.layers[0].size, 1234567);
	cr_expect(digest_is_zero(&manifest.layers[0].digest));
	manifest_fini(&manifest);
	object.etag = NULL;
	other = make(&object);
	cr_expect_not(digest_equal(&one.digest, &other.digest));
	image_document_fini(&one);
	image_document_fini(&same);
	image_document_fini(&other);
}

Test(object_manifest, knows_an_object_that_changed)
{
	struct object_identity object = identity();
	struct image_document document = make(&object);
	struct object_identity changed = object;
	struct error err = { 0 };
	char text[] = "other";

	cr_expect_eq(check(&document, false, &object, &err), 0, "%s", err.text);
	changed.size++;
	cr_expect_eq(check(&document, true, &changed, &err), -ESTALE);
	cr_expect(strstr(err.text, "1234568 bytes, and had 1234567"), "%s",
		  err.text);
	changed = object;
	changed.etag = text;
	cr_expect_eq(check(&document, true, &changed, &err), -ESTALE);
	changed.etag = NULL;
	cr_expect_eq(check(&document, true, &changed, &err), -ESTALE);
	changed = object;
	changed.last_modified = text;
	cr_expect_eq(check(&document, false, &changed, &err), -ESTALE);
	cr_expect(strstr(err.text, "changed since it was indexed"));
	image_document_fini(&document);
}

Test(object_manifest, takes_a_copy_when_digests_will_tell)
{
	struct object_identity object = identity();
	struct image_document document = make(&object);
	struct error err = { 0 };
	char name[] = "file:/tmp/x.sif";

	object.name = name;
	object.etag = NULL;
	cr_expect_eq(check(&document, true, &object, &err), 0);
	cr_expect_eq(check(&document, false, &object, &err), -ESTALE);
	cr_expect(strstr(err.text, "has no digests"), "%s", err.text);
	image_document_fini(&document);
}

Test(object_manifest, names_what_is_no_text)
{
	char name[] = "file:/tmp/\xff\xfe";
	struct object_identity object = { .size = 1, .name = name };
	struct image_document document = make(&object);

	cr_expect(strstr((const char *)document.bytes, "sha256:"));
	cr_expect_eq(check(&document, false, &object, NULL), 0);
	image_document_fini(&document);
}

Test(object_manifest, refuses_another_kind_of_manifest)
{
	static const char other[] =
		"{\"schemaVersion\":2,\"config\":{\"mediaType\":"
		"\"application/vnd.oci.image.config.v1+json\",\"digest\":"
		"\"sha256:0000000000000000000000000000000000000000000000000000"
		"000000000000\",\"size\":2},\"layers\":[]}";
	struct object_identity object = identity();
	struct error err = { 0 };

	cr_expect_eq(object_manifest_check(other, strlen(other), true, &object,
					   &err),
		     -EPROTO);
	cr_expect(strstr(err.text, "another kind"), "%s", err.text);
}
