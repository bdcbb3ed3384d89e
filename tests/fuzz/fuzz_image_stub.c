/* SPDX-License-Identifier: Apache-2.0 */
/* A file of any content: no stub, or one that says the same when written. */
#include "image/image_stub.h"

#include "common/buffer.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer buffer = BUFFER_INIT(IMAGE_STUB_SIZE_MAX);
	struct image_stub stub;
	struct image_stub again;

	if (image_stub_parse(data, size, &stub, NULL) != IMAGE_STUB_FOUND)
		return 0;
	assert(stub.url[0] && strlen(stub.url) < sizeof(stub.url));
	assert(image_stub_format(&stub, &buffer) == 0);
	assert(image_stub_parse(buffer.data, buffer.size, &again, NULL) ==
	       IMAGE_STUB_FOUND);
	assert(strcmp(stub.url, again.url) == 0);
	assert(stub.has_digest == again.has_digest);
	buffer_fini(&buffer);
	return 0;
}
