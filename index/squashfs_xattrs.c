/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list is records one behind the other: { u16 kind; u16 size; name },
 * { u32 size; value }.  With 0x100 in the kind the value is a u64 in place of
 * its bytes: block << 16 | offset of a { u32 size; value } from the start of
 * all lists.
 */
#include "index/squashfs_xattrs.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/le.h"
#include "index/index_format.h"
#include "index/squashfs_error.h"
#include "index/squashfs_memory.h"
#include "index/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	KIND_MASK = 0xff,
	IS_ELSEWHERE = 0x100,
	/* A value of 64 KiB lies in 9 blocks, each of two reads; blocks may be
	 * short, but not all of them. */
	READS_MAX = 128,
};

void squashfs_xattrs_fini(struct squashfs_xattrs *xattrs)
{
	for (size_t i = 0; i < xattrs->count; i++) {
		free((void *)(uintptr_t)xattrs->items[i].name);
		free((void *)(uintptr_t)xattrs->items[i].value);
	}
	free(xattrs->items);
	*xattrs = (struct squashfs_xattrs){ 0 };
}

void squashfs_xattrs_source_fini(struct squashfs_xattrs_source *source)
{
	sqfs_destroy(source->list);
	sqfs_destroy(source->value);
	source->list = NULL;
	source->value = NULL;
}

static int damaged(struct error *err)
{
	return squashfs_error_damaged(err, "an xattr cannot be read");
}

static int take(const struct squashfs_xattrs_source *source,
		sqfs_meta_reader_t *reader, void *ret_data, size_t size,
		struct error *err)
{
	source->memory->reads_left = READS_MAX;
	return source->lib->sqfs_meta_reader_read(reader, ret_data, size) == 0
		       ? 0
		       : damaged(err);
}

static int read_name(const struct squashfs_xattrs_source *source, size_t size,
		     unsigned kind, char **ret, struct error *err)
{
	static const char *const prefixes[] = { "user.", "trusted.",
						"security." };
	autofree char *name = NULL;
	size_t prefix_size;
	int r;

	if (kind >= sizeof(prefixes) / sizeof(prefixes[0]) || size == 0)
		return damaged(err);
	prefix_size = strlen(prefixes[kind]);
	if (prefix_size + size > INDEX_FORMAT_XATTR_NAME_SIZE_MAX)
		return error_set(err, -EFBIG,
				 "the name of an xattr has over %d bytes",
				 INDEX_FORMAT_XATTR_NAME_SIZE_MAX);
	name = malloc(prefix_size + size + 1);
	if (!name)
		return error_set(err, -ENOMEM, "out of memory");
	memcpy(name, prefixes[kind], prefix_size);
	r = take(source, source->list, name + prefix_size, size, err);
	if (r < 0)
		return r;
	name[prefix_size + size] = '\0';
	if (strlen(name) != prefix_size + size)
		return damaged(err);
	*ret = STEAL_PTR(name);
	return 0;
}

static int read_value(const struct squashfs_xattrs_source *source,
		      sqfs_meta_reader_t *reader, struct tree_xattr *xattr,
		      struct error *err)
{
	autofree uint8_t *value = NULL;
	uint8_t raw_size[4];
	uint32_t size;
	int r = take(source, reader, raw_size, sizeof(raw_size), err);

	if (r < 0)
		return r;
	size = le_load32(raw_size);
	if (size > INDEX_FORMAT_XATTR_VALUE_SIZE_MAX)
		return error_set(err, -EFBIG, "an xattr has over %d bytes",
				 INDEX_FORMAT_XATTR_VALUE_SIZE_MAX);
	value = malloc(size + (size_t)1);
	if (!value)
		return error_set(err, -ENOMEM, "out of memory");
	r = size ? take(source, reader, value, size, err) : 0;
	if (r < 0)
		return r;
	xattr->value = STEAL_PTR(value);
	xattr->value_size = size;
	return 0;
}

/* The place of a value instead of the value. */
static int read_value_elsewhere(const struct squashfs_xattrs_source *source,
				struct tree_xattr *xattr, struct error *err)
{
	uint8_t record[12]; /* the size of what follows, and that: the place */
	uint64_t place;
	int r = take(source, source->list, record, sizeof(record), err);

	if (r < 0)
		return r;
	place = le_load64(record + 4);
	source->memory->reads_left = READS_MAX;
	if (le_load32(record) != 8 ||
	    source->lib->sqfs_meta_reader_seek(source->value,
					       source->start + (place >> 16),
					       place & 0xffff) != 0)
		return damaged(err);
	return read_value(source, source->value, xattr, err);
}

static int read_one(const struct squashfs_xattrs_source *source,
		    struct tree_xattr *xattr, struct error *err)
{
	uint8_t head[4];
	char *name = NULL;
	unsigned kind;
	int r = take(source, source->list, head, sizeof(head), err);

	if (r < 0)
		return r;
	kind = le_load16(head);
	r = read_name(source, le_load16(head + 2), kind & KIND_MASK, &name,
		      err);
	if (r < 0)
		return r;
	xattr->name = name;
	return kind & IS_ELSEWHERE
		       ? read_value_elsewhere(source, xattr, err)
		       : read_value(source, source->list, xattr, err);
}

int squashfs_xattrs_read(const struct squashfs_xattrs_source *source,
			 const sqfs_xattr_id_t *list,
			 struct squashfs_xattrs *ret, struct error *err)
{
	struct squashfs_xattrs xattrs CLEANUP(squashfs_xattrs_fini) = { 0 };

	if (list->count > SQUASHFS_XATTRS_COUNT_MAX)
		return error_set(err, -EFBIG,
				 "a file has %u xattrs; at most %d are "
				 "supported",
				 list->count, SQUASHFS_XATTRS_COUNT_MAX);
	xattrs.items = calloc(list->count + (size_t)1, sizeof(*xattrs.items));
	if (!xattrs.items)
		return error_set(err, -ENOMEM, "out of memory");
	source->memory->reads_left = READS_MAX;
	if (list->count &&
	    source->lib->sqfs_meta_reader_seek(
		    source->list, source->start + (list->xattr >> 16),
		    list->xattr & 0xffff) != 0)
		return damaged(err);
	for (uint32_t i = 0; i < list->count; i++) {
		int r;

		xattrs.count++;
		r = read_one(source, &xattrs.items[i], err);
		if (r < 0)
			return r;
	}
	*ret = xattrs;
	xattrs = (struct squashfs_xattrs){ 0 };
	return 0;
}
