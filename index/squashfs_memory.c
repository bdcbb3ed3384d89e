/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_memory.h"

#include "common/le.h"

#include <string.h>

static int read_at(sqfs_file_t *file, sqfs_u64 off, void *ret_data, size_t size)
{
	struct squashfs_memory *memory = (struct squashfs_memory *)file;

	if (memory->reads_left == 0)
		return SQFS_ERROR_OUT_OF_BOUNDS;
	memory->reads_left--;
	if (le_range_fits(off, size, memory->head_size)) {
		memcpy(ret_data, (const uint8_t *)memory->head + off, size);
		return 0;
	}
	if (off < memory->tables_off ||
	    !le_range_fits(off - memory->tables_off, size, memory->tables_size))
		return SQFS_ERROR_OUT_OF_BOUNDS;
	memcpy(ret_data,
	       (const uint8_t *)memory->tables + (off - memory->tables_off),
	       size);
	return 0;
}

static int write_at(sqfs_file_t *file, sqfs_u64 off, const void *data,
		    size_t size)
{
	(void)file;
	(void)off;
	(void)data;
	(void)size;
	return SQFS_ERROR_UNSUPPORTED;
}

static sqfs_u64 get_size(const sqfs_file_t *file)
{
	const struct squashfs_memory *memory =
		(const struct squashfs_memory *)file;

	return memory->tables_off + memory->tables_size;
}

static int set_size(sqfs_file_t *file, sqfs_u64 size)
{
	(void)file;
	(void)size;
	return SQFS_ERROR_UNSUPPORTED;
}

static void destroy(sqfs_object_t *object)
{
	(void)object; /* the owner's */
}

void squashfs_memory_init(struct squashfs_memory *memory, const void *head,
			  size_t head_size, const void *tables,
			  uint64_t tables_off, uint64_t tables_size)
{
	*memory = (struct squashfs_memory){
		.file = {
			.base.destroy = destroy,
			.read_at = read_at,
			.write_at = write_at,
			.get_size = get_size,
			.truncate = set_size,
		},
		.head = head,
		.head_size = head_size,
		.tables = tables,
		.tables_off = tables_off,
		.tables_size = tables_size,
	};
}
