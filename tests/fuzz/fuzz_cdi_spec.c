/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CDI file of any content, as JSON and as YAML: it is refused with a
 * sentence, or has what cdi.c takes for granted.
 */
#include "gpu/cdi_spec.h"

#include "common/error.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_edits(const json_t *edits)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(edits, "env"), i, item)
		assert(json_string_value(item));
	json_array_foreach (json_object_get(edits, "mounts"), i, item) {
		assert(json_string_value(json_object_get(item, "hostPath")));
		assert(json_string_value(
			json_object_get(item, "containerPath")));
	}
	json_array_foreach (json_object_get(edits, "deviceNodes"), i, item)
		assert(json_string_value(json_object_get(item, "path")));
	json_array_foreach (json_object_get(edits, "hooks"), i, item)
		assert(json_string_value(json_object_get(item, "path")));
}

static void check_file(const uint8_t *data, size_t size,
		       enum cdi_spec_format format)
{
	struct cdi_spec spec = { 0 };
	struct error err = { 0 };
	const json_t *device;
	size_t i;
	int r = cdi_spec_parse(data, size, format, &spec, &err);

	assert(r <= 0 && (r == 0) == (err.code == 0));
	if (r < 0)
		return;
	assert(strchr(spec.kind, '/'));
	check_edits(json_object_get(spec.root, "containerEdits"));
	json_array_foreach (json_object_get(spec.root, "devices"), i, device) {
		const char *name =
			json_string_value(json_object_get(device, "name"));

		assert(cdi_spec_find_device(&spec, name) == device);
		check_edits(json_object_get(device, "containerEdits"));
	}
	cdi_spec_fini(&spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_file(data, size, CDI_SPEC_JSON);
	check_file(data, size, CDI_SPEC_YAML);
	return 0;
}
