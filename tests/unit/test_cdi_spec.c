/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/cdi_spec.h"

#include "common/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char json[] =
	"{\"cdiVersion\": \"0.6.0\", \"kind\": \"nvidia.com/gpu\","
	" \"devices\": [{\"name\": \"0\", \"containerEdits\": {"
	"  \"env\": [\"A=1\"],"
	"  \"deviceNodes\": [{\"path\": \"/dev/nvidia0\", \"major\": 195,"
	"   \"hostPath\": \"/dev/nvidia0\", \"fileMode\": 438,"
	"   \"permissions\": \"rw\"}]}}],"
	" \"containerEdits\": {\"hooks\": [{\"hookName\": \"createContainer\","
	"  \"path\": \"/usr/bin/nvidia-ctk\", \"args\": [\"nvidia-ctk\"],"
	"  \"timeout\": 3}], \"mounts\": [{\"hostPath\": \"/a\","
	"  \"containerPath\": \"/b\", \"options\": [\"ro\"]}]}}";

static const char yaml[] = "---\n"
			   "cdiVersion: 0.6.0\n"
			   "kind: nvidia.com/gpu\n"
			   "devices:\n"
			   "- name: \"0\"\n"
			   "  containerEdits:\n"
			   "    env:\n"
			   "    - A=1\n"
			   "    deviceNodes:\n"
			   "    - path: /dev/nvidia0\n"
			   "      hostPath: /dev/nvidia0\n"
			   "      major: 195\n"
			   "      fileMode: 438\n"
			   "      permissions: rw\n"
			   "containerEdits:\n"
			   "  hooks:\n"
			   "  - hookName: createContainer\n"
			   "    path: /usr/bin/nvidia-ctk\n"
			   "    args: [nvidia-ctk]\n"
			   "    timeout: 3\n"
			   "  mounts:\n"
			   "  - hostPath: /a\n"
			   "    containerPath: /b\n"
			   "    options:\n"
			   "      - ro\n";

static int parse(const char *text, enum cdi_spec_format format,
		 struct cdi_spec *ret, struct error *err)
{
	return cdi_spec_parse((const uint8_t *)text, strlen(text), format, ret,
			      err);
}

Test(cdi_spec, reads_json_and_yaml_alike)
{
	struct cdi_spec a = { 0 };
	struct cdi_spec b = { 0 };
	struct error err = { 0 };

	cr_assert_eq(parse(json, CDI_SPEC_JSON, &a, &err), 0, "%s", err.text);
	cr_assert_eq(parse(yaml, CDI_SPEC_YAML, &b, &err), 0, "%s", err.text);
	cr_expect(json_equal(a.root, b.root));
	cr_expect_str_eq(a.kind, "nvidia.com/gpu");
	cr_expect_not_null(cdi_spec_find_device(&a, "0"));
	cr_expect_null(cdi_spec_find_device(&a, "1"));
	cdi_spec_fini(&a);
	cdi_spec_fini(&b);
}

/* The whole of a file with one version, kind, device name and edit. */
static int parse_with(const char *version, const char *kind, const char *name,
		      const char *edits, struct error *err)
{
	struct cdi_spec spec = { 0 };
	char text[1024];
	int r;

	snprintf(text, sizeof(text),
		 "{\"cdiVersion\": \"%s\", \"kind\": \"%s\", \"devices\": "
		 "[{\"name\": \"%s\", \"containerEdits\": {%s}}]}",
		 version, kind, name, edits);
	*err = (struct error){ 0 };
	r = parse(text, CDI_SPEC_JSON, &spec, err);
	cr_expect_eq(r, err->code, "%s", text);
	cdi_spec_fini(&spec);
	return r;
}

Test(cdi_spec, enforces_the_version_of_every_field)
{
	static const struct {
		const char *first;
		const char *before;
		const char *kind;
		const char *name;
		const char *edits;
	} cases[] = {
		{ "0.4.0", "0.3.0", "v.com/c", "a",
		  "\"mounts\": [{\"hostPath\": \"/a\", \"containerPath\": "
		  "\"/b\", \"type\": \"bind\"}]" },
		{ "0.5.0", "0.4.0", "v.com/c", "a",
		  "\"deviceNodes\": [{\"path\": \"/a\", \"hostPath\": "
		  "\"/b\"}]" },
		{ "0.5.0", "0.4.0", "v.com/c", "0", "\"env\": [\"A=1\"]" },
		{ "0.6.0", "0.5.0", "v.com/c.d", "a", "\"env\": [\"A=1\"]" },
		{ "0.7.0", "0.6.0", "v.com/c", "a", "\"additionalGIDs\": [5]" },
		{ "0.7.0", "0.6.0", "v.com/c", "a",
		  "\"intelRdt\": {\"closID\": \"x\"}" },
		{ "1.1.0", "1.0.0", "v.com/c", "a",
		  "\"netDevices\": [{\"hostInterfaceName\": \"eth0\", "
		  "\"name\": \"eth0\"}]" },
	};
	struct error err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_expect_eq(parse_with(cases[i].first, cases[i].kind,
					cases[i].name, cases[i].edits, &err),
			     0, "%zu: %s", i, err.text);
		cr_expect_eq(parse_with(cases[i].before, cases[i].kind,
					cases[i].name, cases[i].edits, &err),
			     -EBADMSG, "%zu", i);
		cr_expect(strstr(err.text, "came with version"), "%s",
			  err.text);
	}
	cr_expect_eq(parse_with("1.2.0", "v.com/c", "a", "", &err), -ENOTSUP);
	cr_expect_eq(parse_with("v1.0.0", "v.com/c", "a", "", &err), 0);
	cr_expect_eq(parse_with("", "v.com/c", "a", "", &err), -ENOTSUP);
}

Test(cdi_spec, refuses_what_it_does_not_know)
{
	static const struct {
		const char *kind;
		const char *name;
		const char *edits;
		const char *words;
	} cases[] = {
		{ "v.com/c", "a", "\"privileged\": true", "privileged" },
		{ "v.com/c", "a", "\"env\": \"A=1\"", "wrong kind" },
		{ "v.com/c", "a", "\"env\": [1]", "wrong kind" },
		{ "v.com/c", "a", "\"mounts\": [{\"hostPath\": \"/a\"}]",
		  "containerPath" },
		{ "v.com/c", "a", "\"mounts\": [7]", "mounts" },
		{ "v.com/c", "a",
		  "\"deviceNodes\": [{\"path\": \"/a\", \"minor\": -1}]",
		  "minor" },
		{ "v.com/c", "a",
		  "\"hooks\": [{\"hookName\": \"x\", \"path\": \"/x\", "
		  "\"uid\": 0}]",
		  "hooks[0]" },
		{ "v.com", "a", "", "VENDOR/CLASS" },
		{ "/c", "a", "", "VENDOR/CLASS" },
		{ "v.com/c/d", "a", "", "VENDOR/CLASS" },
		{ "v.com/c", "", "", "device's name" },
		{ "v.com/c", "a b", "", "device's name" },
		{ "v.com/c", "a-", "", "device's name" },
	};
	struct error err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_expect_eq(parse_with("1.1.0", cases[i].kind, cases[i].name,
					cases[i].edits, &err),
			     -EBADMSG, "%zu", i);
		cr_expect(strstr(err.text, cases[i].words), "%zu: %s", i,
			  err.text);
	}
}

Test(cdi_spec, refuses_files_that_are_none)
{
	static const struct {
		enum cdi_spec_format format;
		const char *text;
	} cases[] = {
		{ CDI_SPEC_JSON, "" },
		{ CDI_SPEC_JSON, "[]" },
		{ CDI_SPEC_JSON, "{\"a\": 1, \"a\": 2}" },
		{ CDI_SPEC_JSON, "{}" },
		{ CDI_SPEC_YAML, "" },
		{ CDI_SPEC_YAML, "a: [1, 2" },
		{ CDI_SPEC_YAML, "a: 1\na: 2\n" },
		{ CDI_SPEC_YAML, "a: &x 1\nb: *x\n" },
		{ CDI_SPEC_YAML, "a: !!str 1\n" },
		{ CDI_SPEC_YAML, "a: 1\n---\nb: 1\n" },
		{ CDI_SPEC_YAML, "[a]: 1\n" },
		{ CDI_SPEC_YAML,
		  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]"
		  "]]]]]]]]]]]]]]]]]]]]]" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cdi_spec spec = { 0 };
		struct error err = { 0 };

		cr_expect_eq(parse(cases[i].text, cases[i].format, &spec, &err),
			     -EBADMSG, "%zu: %s", i, err.text);
		cr_expect_neq(err.text[0], '\0');
	}
}
