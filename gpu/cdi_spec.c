/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/cdi_spec.h"

#include "common/error.h"
#include "gpu/cdi_yaml.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum kind {
	TEXT,
	TEXTS,
	NUMBER,
	NUMBERS,
	BOOLEAN,
	MAP, /* of texts */
	OBJECT,
	OBJECTS,
};

/* Versions of the specification, oldest first; an index is a version. */
static const char *const versions[] = {
	"0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0",
	"0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0",
};

enum version { V0_4 = 3, V0_5 = 4, V0_6 = 5, V0_7 = 6, V1_1 = 9 };

struct field {
	const char *name; /* NULL ends a table */
	enum kind kind;
	bool is_required;
	unsigned version;	    /* the first that has it */
	const struct field *fields; /* of OBJECT and OBJECTS */
};

static const struct field node_fields[] = {
	{ .name = "path", .kind = TEXT, .is_required = true },
	{ .name = "hostPath", .kind = TEXT, .version = V0_5 },
	{ .name = "type", .kind = TEXT },
	{ .name = "major", .kind = NUMBER },
	{ .name = "minor", .kind = NUMBER },
	{ .name = "fileMode", .kind = NUMBER },
	{ .name = "permissions", .kind = TEXT },
	{ .name = "uid", .kind = NUMBER },
	{ .name = "gid", .kind = NUMBER },
	{ .name = NULL },
};

static const struct field net_fields[] = {
	{ .name = "hostInterfaceName", .kind = TEXT, .is_required = true },
	{ .name = "name", .kind = TEXT, .is_required = true },
	{ .name = NULL },
};

static const struct field hook_fields[] = {
	{ .name = "hookName", .kind = TEXT, .is_required = true },
	{ .name = "path", .kind = TEXT, .is_required = true },
	{ .name = "args", .kind = TEXTS },
	{ .name = "env", .kind = TEXTS },
	{ .name = "timeout", .kind = NUMBER },
	{ .name = NULL },
};

static const struct field mount_fields[] = {
	{ .name = "hostPath", .kind = TEXT, .is_required = true },
	{ .name = "containerPath", .kind = TEXT, .is_required = true },
	{ .name = "options", .kind = TEXTS },
	{ .name = "type", .kind = TEXT, .version = V0_4 },
	{ .name = NULL },
};

static const struct field rdt_fields[] = {
	{ .name = "closID", .kind = TEXT },
	{ .name = "l3CacheSchema", .kind = TEXT },
	{ .name = "memBwSchema", .kind = TEXT },
	{ .name = "enableCMT", .kind = BOOLEAN },
	{ .name = "enableMBM", .kind = BOOLEAN },
	{ .name = "schemata", .kind = TEXTS, .version = V1_1 },
	{ .name = "enableMonitoring", .kind = BOOLEAN, .version = V1_1 },
	{ .name = NULL },
};

static const struct field edit_fields[] = {
	{ .name = "env", .kind = TEXTS },
	{ .name = "deviceNodes", .kind = OBJECTS, .fields = node_fields },
	{ .name = "netDevices",
	  .kind = OBJECTS,
	  .version = V1_1,
	  .fields = net_fields },
	{ .name = "hooks", .kind = OBJECTS, .fields = hook_fields },
	{ .name = "mounts", .kind = OBJECTS, .fields = mount_fields },
	{ .name = "intelRdt",
	  .kind = OBJECT,
	  .version = V0_7,
	  .fields = rdt_fields },
	{ .name = "additionalGIDs", .kind = NUMBERS, .version = V0_7 },
	{ .name = NULL },
};

static const struct field device_fields[] = {
	{ .name = "name", .kind = TEXT, .is_required = true },
	{ .name = "annotations", .kind = MAP, .version = V0_6 },
	{ .name = "containerEdits",
	  .kind = OBJECT,
	  .is_required = true,
	  .fields = edit_fields },
	{ .name = NULL },
};

static const struct field spec_fields[] = {
	{ .name = "cdiVersion", .kind = TEXT, .is_required = true },
	{ .name = "kind", .kind = TEXT, .is_required = true },
	{ .name = "annotations", .kind = MAP, .version = V0_6 },
	{ .name = "devices",
	  .kind = OBJECTS,
	  .is_required = true,
	  .fields = device_fields },
	{ .name = "containerEdits", .kind = OBJECT, .fields = edit_fields },
	{ .name = NULL },
};

struct check {
	unsigned version; /* of the file */
	struct error *err;
};

static int check_object(const struct check *check, const json_t *object,
			const struct field *fields);

static bool is_list_of(const json_t *value, bool is_text)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(value))
		return false;
	json_array_foreach (value, i, item)
		if (is_text ? !json_is_string(item) : !json_is_integer(item))
			return false;
	return true;
}

static bool is_map(const json_t *value)
{
	const char *key;
	json_t *item;

	if (!json_is_object(value))
		return false;
	json_object_foreach ((json_t *)value, key, item)
		if (!json_is_string(item))
			return false;
	return true;
}

static bool is_of_kind(const json_t *value, enum kind kind)
{
	switch (kind) {
	case TEXT:
		return json_is_string(value);
	case TEXTS:
		return is_list_of(value, true);
	case NUMBER:
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case NUMBERS:
		return is_list_of(value, false);
	case BOOLEAN:
		return json_is_boolean(value);
	case MAP:
		return is_map(value);
	case OBJECT:
		return json_is_object(value);
	case OBJECTS:
		return json_is_array(value);
	default:
		return false;
	}
}

static int check_value(const struct check *check, const struct field *field,
		       const json_t *value)
{
	const json_t *item;
	size_t i;
	int r = 0;

	if (!is_of_kind(value, field->kind))
		return error_set(check->err, -EBADMSG,
				 "the value of \"%s\" is of the wrong kind",
				 field->name);
	if (field->version > check->version)
		return error_set(check->err, -EBADMSG,
				 "\"%s\" came with version %s, and the file "
				 "says that it is of %s",
				 field->name, versions[field->version],
				 versions[check->version]);
	if (field->kind == OBJECT)
		return check_object(check, value, field->fields);
	if (field->kind != OBJECTS)
		return 0;
	json_array_foreach (value, i, item) {
		if (!json_is_object(item))
			return error_set(check->err, -EBADMSG,
					 "\"%s\" has something else than "
					 "objects in it",
					 field->name);
		r = check_object(check, item, field->fields);
		if (r < 0)
			return error_prefix(check->err, r, "%s[%zu]",
					    field->name, i);
	}
	return r;
}

static const struct field *find_field(const struct field *fields,
				      const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static int check_object(const struct check *check, const json_t *object,
			const struct field *fields)
{
	const char *key;
	json_t *value;
	int r;

	json_object_foreach ((json_t *)object, key, value) {
		const struct field *field = find_field(fields, key);

		if (!field)
			return error_set(check->err, -EBADMSG,
					 "there is no field \"%s\" in CDI",
					 key);
		r = check_value(check, field, value);
		if (r < 0)
			return r;
	}
	for (; fields->name; fields++)
		if (fields->is_required &&
		    !json_object_get(object, fields->name))
			return error_set(check->err, -EBADMSG,
					 "the field \"%s\" is missing",
					 fields->name);
	return 0;
}

static bool is_name(const char *name, size_t len, const char *others)
{
	if (len == 0 || len >= CDI_SPEC_NAME_SIZE ||
	    !isalnum((unsigned char)name[0]) ||
	    !isalnum((unsigned char)name[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) &&
		    !strchr(others, name[i]))
			return false;
	return true;
}

static int check_kind(const struct check *check, const char *kind)
{
	const char *slash = strchr(kind, '/');

	if (!slash || !isalpha((unsigned char)kind[0]) ||
	    !isalpha((unsigned char)slash[1]) ||
	    !is_name(kind, (size_t)(slash - kind), "_-.") ||
	    !is_name(slash + 1, strlen(slash + 1), "_-."))
		return error_set(check->err, -EBADMSG,
				 "kind \"%s\" is not VENDOR/CLASS", kind);
	if (strchr(slash, '.') && check->version < V0_6)
		return error_set(check->err, -EBADMSG,
				 "a class with a dot (%s) came with version "
				 "0.6.0",
				 kind);
	return 0;
}

static int check_names(const struct check *check, const json_t *devices)
{
	const json_t *device;
	size_t i;

	json_array_foreach (devices, i, device) {
		const char *name =
			json_string_value(json_object_get(device, "name"));

		if (!is_name(name, strlen(name), "_-.:"))
			return error_set(check->err, -EBADMSG,
					 "\"%s\" is not a device's name", name);
		if (isdigit((unsigned char)name[0]) && check->version < V0_5)
			return error_set(check->err, -EBADMSG,
					 "a device's name that begins with a "
					 "digit (%s) came with version 0.5.0",
					 name);
		for (size_t j = 0; j < i; j++)
			if (strcmp(name, json_string_value(json_object_get(
						 json_array_get(devices, j),
						 "name"))) == 0)
				return error_set(check->err, -EBADMSG,
						 "the device \"%s\" is there "
						 "twice",
						 name);
	}
	return 0;
}

static int find_version(const json_t *root, struct check *check)
{
	const char *text =
		json_string_value(json_object_get(root, "cdiVersion"));

	if (!text)
		return error_set(check->err, -EBADMSG,
				 "the field \"cdiVersion\" is missing");
	text += text[0] == 'v';
	for (unsigned i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		if (strcmp(text, versions[i]) != 0)
			continue;
		check->version = i;
		return 0;
	}
	return error_set(check->err, -ENOTSUP,
			 "version \"%s\" of CDI is not known: 1.1.0 is the "
			 "newest that is",
			 text);
}

static int check_spec(const json_t *root, struct error *err)
{
	struct check check = { .err = err };
	int r;

	if (!json_is_object(root))
		return error_set(err, -EBADMSG, "it is not a CDI file");
	r = find_version(root, &check);
	if (r == 0)
		r = check_object(&check, root, spec_fields);
	if (r == 0)
		r = check_kind(&check, json_string_value(
					       json_object_get(root, "kind")));
	if (r == 0)
		r = check_names(&check, json_object_get(root, "devices"));
	return r;
}

static int load_json(const uint8_t *data, size_t size, json_t **ret,
		     struct error *err)
{
	json_error_t json_err;

	*ret = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES,
			  &json_err);
	if (*ret)
		return 0;
	return error_set(err, -EBADMSG, "line %d: %s", json_err.line,
			 json_err.text);
}

int cdi_spec_parse(const uint8_t *data, size_t size,
		   enum cdi_spec_format format, struct cdi_spec *ret,
		   struct error *err)
{
	json_t *root = NULL;
	int r = format == CDI_SPEC_YAML ? cdi_yaml_load(data, size, &root, err)
					: load_json(data, size, &root, err);

	if (r < 0)
		return r;
	r = check_spec(root, err);
	if (r < 0) {
		json_decref(root);
		return r;
	}
	ret->root = root;
	ret->kind = json_string_value(json_object_get(root, "kind"));
	return 0;
}

void cdi_spec_fini(struct cdi_spec *spec)
{
	json_decref(spec->root);
	*spec = (struct cdi_spec){ 0 };
}

const json_t *cdi_spec_find_device(const struct cdi_spec *spec,
				   const char *name)
{
	const json_t *device;
	size_t i;

	assert(spec->root);
	json_array_foreach (json_object_get(spec->root, "devices"), i, device)
		if (strcmp(name, json_string_value(
					 json_object_get(device, "name"))) == 0)
			return device;
	return NULL;
}
