/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that reads a registry's JSON: manifest, index, configuration.
 */
#include "common/error.h"
#include "image/image_config.h"
#include "image/manifest.h"
#include "image/platform.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_manifest(const uint8_t *data, size_t size)
{
	struct manifest manifest = { 0 };
	struct error err = { 0 };
	int r = manifest_parse(data, size, &manifest, &err);

	assert(r <= 0 && (r == 0) == (err.code == 0));
	if (r < 0)
		return;
	assert(manifest.layer_count <= MANIFEST_LAYERS_MAX);
	for (uint32_t i = 0; i < manifest.layer_count; i++)
		assert(descriptor_is_layer_type(manifest.layers[i].media_type));
	assert(!manifest_is_index("", data, size));
	manifest_fini(&manifest);
}

static void check_index(const uint8_t *data, size_t size)
{
	struct platform platform = { .os = "linux", .architecture = "amd64" };
	struct descriptor chosen = { 0 };

	if (manifest_choose(data, size, &platform, &chosen, NULL) < 0)
		return;
	assert(chosen.size < UINT64_C(1) << 48);
	descriptor_fini(&chosen);
}

static void check_config(const uint8_t *data, size_t size)
{
	struct image_config config = { 0 };

	if (image_config_parse(data, size, &config, NULL) < 0)
		return;
	assert(config.user && config.working_dir && config.entrypoint);
	for (char **env = config.env; *env; env++)
		assert(strchr(*env, '='));
	image_config_fini(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_manifest(data, size);
	check_index(data, size);
	check_config(data, size);
	return 0;
}
