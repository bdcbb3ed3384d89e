/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_error.h"

#include "common/error.h"
#include "fetch/http_client.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static const struct {
	int status;
	int code;
	bool is_passing;
	bool is_of_url;
	const char *words;
} cases[] = {
	{ 400, -EPROTO, false, true, "no use for" },
	{ 401, -EACCES, false, true, "log in" },
	{ 403, -EACCES, false, true, "docker login host" },
	{ 404, -ENOENT, false, true, "no such image" },
	{ 405, -EROFS, false, false, "no uploads" },
	{ 408, -EPROTO, true, false, "408" },
	{ 410, -ENOENT, false, true, "no such image" },
	{ 418, -EPROTO, false, false, "418" },
	{ 429, -EBUSY, true, false, "too many requests" },
	{ 500, -EIO, true, false, "try again later" },
	{ 501, -EIO, false, false, "501" },
	{ 503, -EIO, true, false, "503" },
	{ 505, -EIO, false, false, "505" },
};

Test(registry_error, tells_what_each_status_means)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct http_response response = {
			.status = cases[i].status,
			.body = (uint8_t *)"",
		};
		struct error err = { 0 };

		cr_expect_eq(registry_error_set_status(&response, "host/a:1",
						       "host", &err),
			     cases[i].code, "case: %d", cases[i].status);
		cr_expect(strstr(err.text, cases[i].words), "case: %d: %s",
			  cases[i].status, err.text);
		cr_expect_eq(registry_error_is_passing(cases[i].status),
			     cases[i].is_passing, "case: %d", cases[i].status);
		cr_expect_eq(registry_error_is_of_url(cases[i].status),
			     cases[i].is_of_url, "case: %d", cases[i].status);
	}
}

Test(registry_error, passes_on_what_the_registry_says)
{
	static const char body[] = "{\"errors\": [{\"code\": \"X\", "
				   "\"message\": \"only mondays\"}]}";
	const struct http_response response = {
		.status = 403,
		.body = (uint8_t *)body,
		.body_size = sizeof(body) - 1,
	};
	struct error err = { 0 };

	cr_expect_eq(
		registry_error_set_status(&response, "host/a:1", "host", &err),
		-EACCES);
	cr_expect(strstr(err.text, "only mondays"), "%s", err.text);
}

Test(registry_error, knows_content_from_a_tag)
{
	const struct http_response response = { .status = 404,
						.body = (uint8_t *)"" };
	struct error err = { 0 };

	cr_expect_eq(registry_error_set_status(&response, "host/a@sha256:12",
					       "host", &err),
		     -ENOENT);
	cr_expect(strstr(err.text, "no such content"), "%s", err.text);
}
