/* SPDX-License-Identifier: Apache-2.0 */
/* A library of any content: its name has an end and no slash. */
#include "gpu/elf_library.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_library library;

	if (elf_library_parse(data, size, &library) < 0)
		return 0;
	assert(memchr(library.soname, '\0', sizeof(library.soname)));
	assert(!strchr(library.soname, '/'));
	assert(elf_library_is_same_kind(&library, &library));
	return 0;
}
