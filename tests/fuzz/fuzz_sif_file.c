/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a SIF file: its header, its descriptors, what is chosen.
 */
#include "index/sif_file.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sif_file_descriptor d;
	struct sif_file_header header;
	const uint8_t *table;

	if (size < SIF_FILE_HEADER_SIZE ||
	    sif_file_parse_header(data, size, &header, NULL) < 0)
		return 0;
	assert(header.descriptor_count <= SIF_FILE_DESCRIPTOR_COUNT_MAX);
	assert(header.descriptors_off <= size);
	table = data + header.descriptors_off;
	for (uint32_t i = 0; i < header.descriptor_count; i++) {
		if (!sif_file_parse_descriptor(
			    table + (size_t)i * SIF_FILE_DESCRIPTOR_SIZE, &d))
			continue;
		assert(strlen(d.name) < SIF_FILE_NAME_SIZE);
		assert(sif_file_type_name(d.type)[0]);
	}
	if (sif_file_choose(&header, table, size, "amd64", &d, NULL) == 0) {
		assert(d.fs == SIF_FILE_FS_SQUASHFS);
		assert(d.off <= size && d.size <= size - d.off);
	}
	return 0;
}
