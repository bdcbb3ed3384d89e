/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References as users, and scripts with bad input, write them.
 */
#include "image/image_name.h"
#include "image/image_ref.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The canonical text is a reference, and its own canonical text. */
static void check_again(const struct image_ref *ref)
{
	struct image_ref again = { 0 };
	int r = image_ref_parse(ref->text, &again, NULL);

	assert(r == 0 && strcmp(again.text, ref->text) == 0);
	assert(!ref->host == !again.host);
	assert(!ref->host || strcmp(again.host, ref->host) == 0);
	if (ref->kind == IMAGE_REF_DOCKER)
		assert(image_name_is_repository(ref->repository));
	if (ref->kind == IMAGE_REF_OSDF)
		assert(ref->path[0] == '/' && !strstr(ref->path, "/../"));
	image_ref_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct image_ref ref = { 0 };
	const char *path = NULL;
	char *image = NULL;

	assert(text);
	if (image_ref_parse(text, &ref, NULL) == 0) {
		assert(ref.text);
		if (ref.kind == IMAGE_REF_DOCKER || ref.kind == IMAGE_REF_URL ||
		    ref.kind == IMAGE_REF_OSDF)
			check_again(&ref);
	}
	image_ref_fini(&ref);
	if (image_ref_split_path(text, &image, &path, NULL) == 0)
		assert(image[0] && path[0] == '/');
	free(image);
	free(text);
	return 0;
}
