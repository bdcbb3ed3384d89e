/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_ref.h"

#include "common/error.h"
#include "image/image_name.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEX    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX

static void expect_text(const char *value, const char *expected,
			const char *label)
{
	if (expected)
		cr_expect(value && strcmp(value, expected) == 0,
			  "case: %s: %s is not %s", label,
			  value ? value : "NULL", expected);
	else
		cr_expect_null(value, "case: %s", label);
}

static const struct good_case {
	const char *text;
	const char *host;
	const char *auth_key;
	const char *repository;
	const char *tag;
	const char *canonical;
} good_cases[] = {
	{ "docker://debian", "registry-1.docker.io", "docker.io",
	  "library/debian", "latest",
	  "docker://docker.io/library/debian:latest" },
	{ "docker://docker.io/debian:12", "registry-1.docker.io", "docker.io",
	  "library/debian", "12", "docker://docker.io/library/debian:12" },
	{ "docker://index.docker.io/a/b", "registry-1.docker.io", "docker.io",
	  "a/b", "latest", "docker://docker.io/a/b:latest" },
	{ "docker://bitnami/redis:7.2-r_1", "registry-1.docker.io", "docker.io",
	  "bitnami/redis", "7.2-r_1",
	  "docker://docker.io/bitnami/redis:7.2-r_1" },
	{ "docker://localhost/x", "localhost", "localhost", "x", "latest",
	  "docker://localhost/x:latest" },
	{ "docker://127.0.0.1:5000/t/img:1", "127.0.0.1:5000", "127.0.0.1:5000",
	  "t/img", "1", "docker://127.0.0.1:5000/t/img:1" },
	{ "docker://[::1]:5000/t/img:1", "[::1]:5000", "[::1]:5000", "t/img",
	  "1", "docker://[::1]:5000/t/img:1" },
	{ "docker://[fe80::1]/t", "[fe80::1]", "[fe80::1]", "t", "latest",
	  "docker://[fe80::1]/t:latest" },
	{ "docker://Registry/x", "Registry", "Registry", "x", "latest",
	  "docker://Registry/x:latest" },
	{ "docker://quay.io/a__b/c-----d/e.f@" DIGEST, "quay.io", "quay.io",
	  "a__b/c-----d/e.f", NULL,
	  "docker://quay.io/a__b/c-----d/e.f@" DIGEST },
	{ "docker://quay.io/a:t@" DIGEST, "quay.io", "quay.io", "a", "t",
	  "docker://quay.io/a:t@" DIGEST },
	{ "docker://localhost:5000", "registry-1.docker.io", "docker.io",
	  "library/localhost", "5000",
	  "docker://docker.io/library/localhost:5000" },
};

Test(image_ref, reads_docker_references_as_docker_does)
{
	for (size_t i = 0; i < sizeof(good_cases) / sizeof(good_cases[0]);
	     i++) {
		const struct good_case *c = &good_cases[i];
		struct image_ref ref = { 0 };
		struct error err = { 0 };

		cr_assert_eq(image_ref_parse(c->text, &ref, &err), 0,
			     "case: %s: %s", c->text, err.text);
		cr_expect_eq(ref.kind, IMAGE_REF_DOCKER);
		expect_text(ref.host, c->host, c->text);
		expect_text(ref.auth_key, c->auth_key, c->text);
		expect_text(ref.repository, c->repository, c->text);
		expect_text(ref.tag, c->tag, c->text);
		expect_text(ref.text, c->canonical, c->text);
		expect_text(ref.path, NULL, c->text);
		cr_expect_eq(ref.has_digest, strchr(c->text, '@') != NULL);
		image_ref_fini(&ref);
	}
}

Test(image_ref, keeps_its_canonical_text_when_parsed_again)
{
	for (size_t i = 0; i < sizeof(good_cases) / sizeof(good_cases[0]);
	     i++) {
		struct image_ref ref = { 0 };

		cr_assert_eq(
			image_ref_parse(good_cases[i].canonical, &ref, NULL), 0,
			"case: %s", good_cases[i].canonical);
		expect_text(ref.text, good_cases[i].canonical,
			    good_cases[i].text);
		image_ref_fini(&ref);
	}
}

static const struct {
	const char *text;
	const char *says; /* part of the sentence */
} bad_cases[] = {
	{ "", "is not understood; use docker://" },
	{ "ftp://host/x", "is not understood; use docker://" },
	{ "nowhere/x.sif", "there is no file \"nowhere/x.sif\" here" },
	{ "nowhere/x", "did you mean docker://nowhere/x?" },
	{ "file:", "names no file" },
	{ "file://host/x", "names a host" },
	{ "http://host", "names no file" },
	{ "https://host/", "names no file" },
	{ "https://host/#part", "names no file" },
	{ "https:///x", "not a host" },
	{ "https://-h/x", "not a host" },
	{ "https://user:secret@host/x", "cannot stand in a URL" },
	{ "https://host/a b", "write a space as %20" },
	{ "https://host/a\nb", "control characters" },
	{ "pelican:///ns/x", "names no federation" },
	{ "pelican://fed", "no object has that path" },
	{ "pelican://f_d/x", "not a host" },
	{ "osdf:///", "no object has that path" },
	{ "osdf:///ns/../x", "no object has that path" },
	{ "osdf:///ns/x#y", "no object has that path" },
	{ "+osdf:///ns/x", "name of a token" },
	{ "a/b+osdf:///ns/x", "name of a token" },
	{ "debian:12", "did you mean docker://debian:12?" },
	{ "docker:debian", "is not understood" },
	{ "docker://", "not an image name" },
	{ "docker:///x", "not an image name" },
	{ "docker://Debian", "not an image name" },
	{ "docker://host.org/", "not an image name" },
	{ "docker://host.org/a//b", "not an image name" },
	{ "docker://host.org/a/", "not an image name" },
	{ "docker://host.org/a___b", "not an image name" },
	{ "docker://host.org/a._b", "not an image name" },
	{ "docker://host.org/-a", "not an image name" },
	{ "docker://host.org/a-", "not an image name" },
	{ "docker://host.org/../etc", "not an image name" },
	{ "docker://host.org/a b", "not an image name" },
	{ "docker://host.org/a:", "not a tag" },
	{ "docker://host.org/a:.x", "not a tag" },
	{ "docker://host.org/a:b:c", "not a tag" },
	{ "docker://host.org/a:\xc3\xa9", "not a tag" },
	{ "docker://host.org:/a", "not a host" },
	{ "docker://host.org:0/a", "not a host" },
	{ "docker://host.org:65536/a", "not a host" },
	{ "docker://host..org/a", "not a host" },
	{ "docker://-host.org/a", "not a host" },
	{ "docker://[::g]/a", "not a host" },
	{ "docker://[::1/a", "not a host" },
	{ "docker://[::1]5000/a", "not a host" },
	{ "docker://[]/a", "not a host" },
	{ "docker://user@host.org/a", "not a digest" },
	{ "docker://host.org/a@sha256:12", "64 hex digits" },
	{ "docker://host.org/a@sha512:" HEX HEX, "only sha256" },
	{ "oci:", "names no directory" },
	{ "oci::tag", "names no directory" },
};

Test(image_ref, refuses_everything_else_and_says_why)
{
	for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
		struct image_ref ref = { 0 };
		struct error err = { 0 };

		cr_expect_eq(image_ref_parse(bad_cases[i].text, &ref, &err),
			     -EINVAL, "case: %s", bad_cases[i].text);
		cr_expect(strstr(err.text, bad_cases[i].says), "case: %s: %s",
			  bad_cases[i].text, err.text);
		cr_expect_null(ref.text);
		image_ref_fini(&ref);
	}
}

static const struct object_case {
	const char *text;
	enum image_ref_kind kind;
	const char *canonical;
	const char *host;
	const char *path;
	const char *query;
	const char *token_name;
} object_cases[] = {
	{ "osdf:///chtc/staging/x.sif", IMAGE_REF_OSDF,
	  "osdf:///chtc/staging/x.sif", NULL, "/chtc/staging/x.sif", NULL,
	  NULL },
	{ "osdf://chtc//staging/./x.sif", IMAGE_REF_OSDF,
	  "osdf:///chtc/staging/x.sif", NULL, "/chtc/staging/x.sif", NULL,
	  NULL },
	{ "stash:///ns/x", IMAGE_REF_OSDF, "osdf:///ns/x", NULL, "/ns/x", NULL,
	  NULL },
	{ "stash://ns/x?directread", IMAGE_REF_OSDF, "osdf:///ns/x?directread",
	  NULL, "/ns/x", "directread", NULL },
	{ "pelican://Fed.org:8444/ns/x", IMAGE_REF_OSDF,
	  "pelican://fed.org:8444/ns/x", "fed.org:8444", "/ns/x", NULL, NULL },
	{ "igwn+osdf:///igwn/x", IMAGE_REF_OSDF, "igwn+osdf:///igwn/x", NULL,
	  "/igwn/x", NULL, "igwn" },
	{ "a.b+c+pelican://fed/ns/x", IMAGE_REF_OSDF,
	  "a.b+c+pelican://fed/ns/x", "fed", "/ns/x", NULL, "a.b+c" },
	{ "http://Host:8000/a%20b?x=1#top", IMAGE_REF_URL,
	  "http://host:8000/a%20b?x=1", "host:8000", NULL, NULL, NULL },
	{ "https://[::1]/x.sif", IMAGE_REF_URL, "https://[::1]/x.sif", "[::1]",
	  NULL, NULL, NULL },
	{ "/nowhere/x.sif", IMAGE_REF_FILE, "file:/nowhere/x.sif", NULL,
	  "/nowhere/x.sif", NULL, NULL },
	{ "file:///nowhere/x.sif", IMAGE_REF_FILE, "file:/nowhere/x.sif", NULL,
	  "/nowhere/x.sif", NULL, NULL },
	{ "file:/nowhere:/x", IMAGE_REF_FILE, "file:/nowhere:/x", NULL,
	  "/nowhere:/x", NULL, NULL },
	{ "/", IMAGE_REF_DIRECTORY, "file:/", NULL, "/", NULL, NULL },
	{ "/usr/../usr/", IMAGE_REF_DIRECTORY, "file:/usr", NULL, "/usr", NULL,
	  NULL },
};

static void expect_object(const char *text, const struct object_case *c)
{
	struct image_ref copy = { 0 };
	struct image_ref ref = { 0 };
	struct error err = { 0 };

	cr_assert_eq(image_ref_parse(text, &ref, &err), 0, "case: %s: %s", text,
		     err.text);
	cr_assert_eq(image_ref_copy(&ref, &copy), 0);
	image_ref_fini(&ref);
	cr_expect_eq(copy.kind, c->kind, "case: %s", text);
	expect_text(copy.text, c->canonical, text);
	expect_text(copy.host, c->host, text);
	expect_text(copy.path, c->path, text);
	expect_text(copy.query, c->query, text);
	expect_text(copy.token_name, c->token_name, text);
	image_ref_fini(&copy);
}

Test(image_ref, reads_objects_and_keeps_their_canonical_text)
{
	for (size_t i = 0; i < sizeof(object_cases) / sizeof(object_cases[0]);
	     i++) {
		expect_object(object_cases[i].text, &object_cases[i]);
		expect_object(object_cases[i].canonical, &object_cases[i]);
	}
}

Test(image_ref, takes_a_bare_name_for_a_file_only_where_one_is)
{
	char folder[] = "/tmp/test_ref.XXXXXX";
	char canonical[64];
	struct object_case expected = { .kind = IMAGE_REF_FILE };
	struct image_ref ref = { 0 };

	cr_assert(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
	cr_expect_eq(image_ref_parse("x.sif", &ref, NULL), -EINVAL);
	fclose(fopen("x.sif", "w"));
	snprintf(canonical, sizeof(canonical), "file:%s/x.sif", folder);
	expected.canonical = canonical;
	expected.path = canonical + strlen("file:");
	expect_object("x.sif", &expected);
	expect_object("./x.sif", &expected);
	expect_object("file:x.sif", &expected);
	cr_expect_eq(remove("x.sif"), 0);
	cr_expect_eq(rmdir(folder), 0);
}

static void expect_refused_run(const char *before, char c, size_t count)
{
	char text[8192];
	struct image_ref ref = { 0 };
	size_t len = strlen(before);

	cr_assert_lt(len + count, sizeof(text));
	memcpy(text, before, len);
	memset(text + len, c, count);
	text[len + count] = '\0';
	cr_expect_eq(image_ref_parse(text, &ref, NULL), -EINVAL, "%s + %zu %c",
		     before, count, c);
	text[len + count - 1] = '\0';
	if (count < 4000)
		cr_expect_eq(image_ref_parse(text, &ref, NULL), 0,
			     "%s + %zu %c", before, count - 1, c);
	image_ref_fini(&ref);
}

Test(image_ref, bounds_lengths)
{
	expect_refused_run("docker://host.org/", 'a', 256);
	expect_refused_run("docker://host.org/a:", 'a', 129);
	expect_refused_run("docker://", 'a', 5000);
	expect_refused_run("oci:", 'a', 5000);
}

struct folder {
	char path[64];
	char plain[96];
	char colon[96];
};

static void folder_init(struct folder *folder)
{
	snprintf(folder->path, sizeof(folder->path), "/tmp/test_ref.XXXXXX");
	cr_assert(mkdtemp(folder->path));
	snprintf(folder->plain, sizeof(folder->plain), "%s/lay", folder->path);
	snprintf(folder->colon, sizeof(folder->colon), "%s/lay:out",
		 folder->path);
	cr_assert_eq(mkdir(folder->plain, 0700), 0);
}

static void folder_fini(struct folder *folder)
{
	rmdir(folder->colon);
	rmdir(folder->plain);
	rmdir(folder->path);
}

static void expect_layout(const char *prefix, const char *body,
			  const char *path, const char *tag)
{
	struct image_ref ref = { 0 };
	char text[256];
	char canonical[256];

	snprintf(text, sizeof(text), "%s%s", prefix, body);
	snprintf(canonical, sizeof(canonical), "oci:%s%s%s", path,
		 tag ? ":" : "", tag ? tag : "");
	cr_assert_eq(image_ref_parse(text, &ref, NULL), 0, "case: %s", text);
	cr_expect_eq(ref.kind, IMAGE_REF_OCI_LAYOUT);
	expect_text(ref.path, path, text);
	expect_text(ref.tag, tag, text);
	expect_text(ref.text, canonical, text);
	expect_text(ref.host, NULL, text);
	image_ref_fini(&ref);
}

Test(image_ref, takes_the_longest_directory_of_a_layout)
{
	struct folder folder;
	char text[160];

	folder_init(&folder);
	expect_layout("oci:", folder.plain, folder.plain, NULL);
	expect_layout("oci://", folder.plain, folder.plain, NULL);
	expect_layout("oci:", folder.colon, folder.plain, "out");
	snprintf(text, sizeof(text), "%s:docker.io/library/debian:12",
		 folder.plain);
	expect_layout("oci:", text, folder.plain,
		      "docker.io/library/debian:12");
	cr_assert_eq(mkdir(folder.colon, 0700), 0);
	expect_layout("oci:", folder.colon, folder.colon, NULL);
	snprintf(text, sizeof(text), "%s:v1", folder.colon);
	expect_layout("oci:", text, folder.colon, "v1");
	folder_fini(&folder);
}

Test(image_ref, splits_at_the_last_colon_where_nothing_exists)
{
	expect_layout("oci:", "/nowhere/a:b:v1", "/nowhere/a:b", "v1");
	expect_layout("oci:", "/nowhere/a:b/c", "/nowhere/a:b/c", NULL);
}

Test(image_ref, makes_layout_paths_absolute_in_the_text)
{
	struct image_ref ref = { 0 };
	struct folder folder;
	char expected[128];

	folder_init(&folder);
	cr_assert_eq(chdir(folder.path), 0);
	cr_assert_eq(image_ref_parse("oci:lay:v1", &ref, NULL), 0);
	cr_expect_str_eq(ref.path, "lay");
	snprintf(expected, sizeof(expected), "oci:%s:v1", folder.plain);
	cr_expect_str_eq(ref.text, expected);
	image_ref_fini(&ref);
	cr_assert_eq(image_ref_parse("oci:none", &ref, NULL), 0);
	snprintf(expected, sizeof(expected), "oci:%s/none", folder.path);
	cr_expect_str_eq(ref.text, expected);
	image_ref_fini(&ref);
	folder_fini(&folder);
}

Test(image_ref, splits_image_from_path)
{
	static const struct {
		const char *text;
		const char *image;
		const char *path;
	} cases[] = {
		{ "docker://h:5000/a:t:/etc/passwd", "docker://h:5000/a:t",
		  "/etc/passwd" },
		{ "docker://h:5000/a:t", "docker://h:5000/a:t", "/" },
		{ "docker://h/a:/", "docker://h/a", "/" },
		{ "docker://h/a:/x:/y", "docker://h/a", "/x:/y" },
		{ "oci:/abs/dir:t:/etc", "oci:/abs/dir:t", "/etc" },
		{ "oci:/abs/dir", "oci:/abs/dir", "/" },
		{ "oci:///abs/dir:/b", "oci:///abs/dir", "/b" },
		{ "oci:dir:/etc", "oci:dir", "/etc" },
		{ "x.sif:/etc", "x.sif", "/etc" },
		{ "/a/x.sif", "/a/x.sif", "/" },
		{ "file:/a/x.sif:/etc", "file:/a/x.sif", "/etc" },
		{ "file:/a/x.sif", "file:/a/x.sif", "/" },
		{ "https://h:80/x.sif:/etc", "https://h:80/x.sif", "/etc" },
		{ "t+osdf:///ns/x.sif:/etc", "t+osdf:///ns/x.sif", "/etc" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *path = NULL;
		char *image = NULL;

		cr_assert_eq(image_ref_split_path(cases[i].text, &image, &path,
						  NULL),
			     0);
		expect_text(image, cases[i].image, cases[i].text);
		expect_text(path, cases[i].path, cases[i].text);
		free(image);
	}
	cr_expect_eq(image_ref_split_path(":/etc", NULL, NULL, NULL), -EINVAL);
}

Test(image_ref, counts_library_as_part_of_the_name)
{
	struct image_ref ref = { 0 };
	char text[512] = "docker://";
	size_t start = strlen(text);

	memset(text + start, 'a',
	       IMAGE_NAME_REPOSITORY_LEN_MAX - strlen("library/"));
	cr_expect_eq(image_ref_parse(text, &ref, NULL), 0);
	cr_expect_eq(strlen(ref.repository), IMAGE_NAME_REPOSITORY_LEN_MAX);
	image_ref_fini(&ref);
	text[strlen(text)] = 'a';
	cr_expect_eq(image_ref_parse(text, &ref, NULL), -EINVAL);
}
