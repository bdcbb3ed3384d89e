/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an index's section of hints: what is accepted has only numbers
 * that are there, and encodes to the same bytes.
 */
#include "common/buffer.h"
#include "index/hint_table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INODES = 5000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer again = BUFFER_INIT(16 << 20);
	struct hint_table table;

	if (hint_table_decode(data, size, INODES, &table, NULL) < 0)
		return 0;
	for (uint32_t i = 0; i < table.target_count; i++)
		if (table.targets[i] == 0 || table.targets[i] > INODES)
			abort();
	for (uint32_t i = 0; i < table.record_count; i++)
		if (hint_table_find(&table, table.records[i].inode) !=
		    &table.records[i])
			abort();
	if (hint_table_encode(&table, &again) < 0 || again.size != size ||
	    (size && memcmp(again.data, data, size) != 0))
		abort();
	buffer_fini(&again);
	hint_table_fini(&table);
	return 0;
}
