/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/object_location.h"

#include "common/cleanup.h"
#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static const struct {
	const char *label;
	const char *text;
	const char *name;
} names[] = {
	{ "plain", "https://h.example/a/b.sif", "https://h.example/a/b.sif" },
	{ "host in capitals, default port", "https://H.Example:443/A.sif",
	  "https://h.example/A.sif" },
	{ "another port", "http://127.0.0.1:8080/a",
	  "http://127.0.0.1:8080/a" },
	{ "user and password", "https://me:secret@h.example/a",
	  "https://h.example/a" },
	{ "fragment", "https://h.example/a#b", "https://h.example/a" },
	{ "no path", "https://h.example", "https://h.example/" },
	{ "IPv6", "https://[::1]:99/a", "https://[::1]:99/a" },
};

Test(object_location, names_what_is_the_same_alike)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct object_location location = { 0 };
		struct error err = { 0 };

		cr_assert_eq(object_location_parse(names[i].text, false,
						   &location, &err),
			     0, "case: %s: %s", names[i].label, err.text);
		cr_expect_str_eq(location.name, names[i].name, "case: %s",
				 names[i].label);
		cr_expect_str_eq(location.url, names[i].text, "case: %s",
				 names[i].label);
		object_location_fini(&location);
	}
}

Test(object_location, tells_queries_apart_without_showing_them)
{
	struct object_location a CLEANUP(object_location_fini) = { 0 };
	struct object_location b CLEANUP(object_location_fini) = { 0 };

	cr_assert_eq(object_location_parse("https://h.example/a?token=secret",
					   false, &a, NULL),
		     0);
	cr_assert_eq(object_location_parse("https://h.example/a?token=other",
					   false, &b, NULL),
		     0);
	cr_expect_str_neq(a.name, b.name);
	cr_expect_null(strstr(a.name, "secret"));
	cr_expect_eq(strncmp(a.name, "https://h.example/a?", 20), 0);
}

Test(object_location, refuses_plain_http_beyond_loopback)
{
	struct object_location location = { 0 };
	struct error err = { 0 };

	cr_assert_eq(object_location_parse("http://h.example/a", false,
					   &location, &err),
		     -EINVAL);
	cr_expect(strstr(err.text, "--insecure"), "%s", err.text);
	cr_assert_eq(object_location_parse("http://h.example/a", true,
					   &location, NULL),
		     0);
	object_location_fini(&location);
	cr_assert_eq(object_location_parse("http://localhost/a", false,
					   &location, NULL),
		     0);
	object_location_fini(&location);
}

Test(object_location, refuses_what_is_no_url)
{
	static const char *const texts[] = {
		"",	      "/a/b.sif", "ftp://h/a",	"https://",
		"docker://a", "https:",	  "http://[/a",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct object_location location = { 0 };

		cr_expect_eq(
			object_location_parse(texts[i], true, &location, NULL),
			-EINVAL, "case: %s", texts[i]);
	}
}
