/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_config.h"

#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define DIFF_ID                                                                \
	"sha256:"                                                              \
	"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static int parse(const char *json, struct image_config *ret, struct error *err)
{
	return image_config_parse(json, strlen(json), ret, err);
}

Test(image_config, reads_all_fields)
{
	static const char json[] =
		"{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":"
		"\"v8\",\"config\":{\"User\":\"1:2\",\"WorkingDir\":\"/w\","
		"\"StopSignal\":\"SIGINT\",\"Env\":[\"A=b\",\"C=\",\"D=e=f\"],"
		"\"Entrypoint\":[\"/e\",\"-x\"],\"Cmd\":[\"c\"],\"Labels\":"
		"{\"z\":\"1\",\"a\":\"\"}},\"rootfs\":{\"type\":\"layers\","
		"\"diff_ids\":[\"" DIFF_ID "\",\"" DIFF_ID "\"]}}";
	struct image_config config = { 0 };
	struct error err = { 0 };

	cr_assert_eq(parse(json, &config, &err), 0, "%s", err.text);
	cr_expect_str_eq(config.architecture, "arm64");
	cr_expect_str_eq(config.os, "linux");
	cr_expect_str_eq(config.variant, "v8");
	cr_expect_str_eq(config.user, "1:2");
	cr_expect_str_eq(config.working_dir, "/w");
	cr_expect_str_eq(config.stop_signal, "SIGINT");
	cr_expect_str_eq(config.env[0], "A=b");
	cr_expect_str_eq(config.env[1], "C=");
	cr_expect_str_eq(config.env[2], "D=e=f");
	cr_expect_null(config.env[3]);
	cr_expect_str_eq(config.entrypoint[1], "-x");
	cr_expect_null(config.entrypoint[2]);
	cr_expect_str_eq(config.cmd[0], "c");
	cr_expect_null(config.cmd[1]);
	cr_expect_str_eq(config.labels[0], "a=");
	cr_expect_str_eq(config.labels[1], "z=1");
	cr_expect_null(config.labels[2]);
	cr_expect_eq(config.diff_id_count, 2);
	cr_expect_eq(config.diff_ids[1].bytes[31], 0xcc);
	image_config_fini(&config);
}

Test(image_config, takes_absent_and_null_for_empty)
{
	static const char *const texts[] = {
		"{}",
		"{\"config\":null,\"rootfs\":null,\"os\":null}",
		"{\"config\":{}}",
		"{\"config\":{\"User\":null,\"Env\":null,\"WorkingDir\":null}}",
		"{\"config\":{\"Cmd\":null,\"Entrypoint\":null}}",
		"{\"config\":{\"Labels\":null}}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct image_config config = { 0 };

		cr_assert_eq(parse(texts[i], &config, NULL), 0, "case: %s",
			     texts[i]);
		cr_expect_str_eq(config.os, "");
		cr_expect_str_eq(config.user, "");
		cr_expect_str_eq(config.working_dir, "");
		cr_expect_null(config.env[0]);
		cr_expect_null(config.entrypoint[0]);
		cr_expect_null(config.cmd[0]);
		cr_expect_null(config.labels[0]);
		cr_expect_eq(config.diff_id_count, 0);
		image_config_fini(&config);
	}
}

Test(image_config, drops_environment_entries_without_a_name_or_value)
{
	struct image_config config = { 0 };

	cr_assert_eq(parse("{\"config\":{\"Env\":[\"x\",\"A=1\",\"=v\",\"\","
			   "\"B=\"]}}",
			   &config, NULL),
		     0);
	cr_expect_str_eq(config.env[0], "A=1");
	cr_expect_str_eq(config.env[1], "B=");
	cr_expect_null(config.env[2]);
	image_config_fini(&config);
}

Test(image_config, names_the_field_that_is_malformed)
{
	static const struct {
		const char *json;
		const char *says;
	} cases[] = {
		{ "", "not valid JSON" },
		{ "{\"os\":7}", "\"os\"" },
		{ "{\"config\":[]}", "\"config\"" },
		{ "{\"config\":{\"User\":0}}", "\"User\"" },
		{ "{\"config\":{\"Env\":\"A=b\"}}", "\"Env\"" },
		{ "{\"config\":{\"Env\":[\"A=b\",7]}}", "entry 1" },
		{ "{\"config\":{\"Cmd\":[null]}}", "\"Cmd\"" },
		{ "{\"config\":{\"Labels\":{\"a\":1}}}", "\"Labels\"" },
		{ "{\"config\":{\"Labels\":[]}}", "\"Labels\"" },
		{ "{\"rootfs\":{\"diff_ids\":[7]}}", "\"diff_ids\" 0" },
		{ "{\"rootfs\":{\"diff_ids\":[\"sha512:00\"]}}",
		  "\"diff_ids\" 0" },
		{ "{\"config\":{\"User\":\"a\\u0000b\"}}", "not valid JSON" },
		{ "{\"config\":{\"Env\":[\"A=\xff\"]}}", "not valid JSON" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image_config config = { 0 };
		struct error err = { 0 };

		cr_expect_eq(parse(cases[i].json, &config, &err), -EPROTO,
			     "case: %s", cases[i].json);
		cr_expect(strstr(err.text, "image configuration"));
		cr_expect(strstr(err.text, cases[i].says), "case: %s: %s",
			  cases[i].json, err.text);
		cr_expect_null(config.env);
	}
}

Test(image_config, bounds_its_lists)
{
	size_t count = IMAGE_CONFIG_LIST_MAX + 1;
	char *json = malloc(count * 3 + 64);
	struct image_config config = { 0 };
	char *p;

	cr_assert(json);
	p = stpcpy(json, "{\"config\":{\"Cmd\":[\"\"");
	for (size_t i = 1; i < count; i++)
		p = stpcpy(p, ",\"\"");
	stpcpy(p, "]}}");
	cr_expect_eq(parse(json, &config, NULL), -EFBIG);
	free(json);
}
