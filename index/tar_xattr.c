/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libarchive parses ACLs out of their text into its own list, where the three
 * entries that every file has (owner, group, others) are folded into the
 * entry's mode.  The kernel wants them back as one blob: a version, then
 * entries sorted by tag and id.  An ACL that names someone by name only
 * cannot be expressed in numeric ids; it is left out, as containerd leaves out
 * every ACL kept as text.
 */
#include "index/tar_xattr.h"

#include "common/error.h"
#include "common/le.h"
#include "index/archive_library.h"

#include <assert.h>
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct acl_item {
	uint16_t tag;
	uint16_t perm;
	uint32_t id;
};

enum {
	ACL_HEADER_SIZE = 4,
	ACL_ITEM_SIZE = 8,
	ACL_ITEM_COUNT_MAX =
		(TAR_XATTR_VALUE_SIZE_MAX - ACL_HEADER_SIZE) / ACL_ITEM_SIZE,
};
_Static_assert(sizeof(struct posix_acl_xattr_header) == ACL_HEADER_SIZE &&
		       sizeof(struct posix_acl_xattr_entry) == ACL_ITEM_SIZE,
	       "the kernel's format");

static const struct {
	int type;
	const char *name;
} acl_kinds[2] = {
	{ ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access" },
	{ ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default" },
};

void tar_xattr_set_fini(struct tar_xattr_set *set)
{
	free(set->items);
	set->items = NULL;
	set->count = 0;
	set->capacity = 0;
	for (size_t i = 0; i < 2; i++)
		buffer_fini(&set->acls[i]);
}

static bool has_name(const struct tar_xattr_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->items[i].name, name) == 0)
			return true;
	return false;
}

static int add(struct tar_xattr_set *set, const char *name, const void *value,
	       size_t size, struct error *err)
{
	struct tree_xattr *items;
	size_t capacity;

	if (set->count == TAR_XATTR_COUNT_MAX)
		return error_set(err, -EFBIG,
				 "more than %d extended attributes",
				 TAR_XATTR_COUNT_MAX);
	if (set->count == set->capacity) {
		capacity = set->capacity ? 2 * set->capacity : 8;
		items = realloc(set->items, capacity * sizeof(*items));
		if (!items)
			return error_set(err, -ENOMEM, "out of memory");
		set->items = items;
		set->capacity = capacity;
	}
	set->items[set->count++] = (struct tree_xattr){
		.name = name,
		.value = value,
		.value_size = size,
	};
	return 0;
}

/* A record without a value deletes the attribute (POSIX.1-2017 pax, "pax
 * Extended Header"; so do Go's archive/tar and all that is built on it). */
static void drop_empty(struct tar_xattr_set *set)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].value_size > 0)
			set->items[kept++] = set->items[i];
	set->count = kept;
}

/* libarchive lists the newest record first: the first of a name wins. */
static int collect_stored(struct tar_xattr_set *set,
			  struct archive_entry *entry, struct error *err)
{
	const char *name;
	const void *value;
	size_t size;

	set->library->archive_entry_xattr_reset(entry);
	while (set->library->archive_entry_xattr_next(entry, &name, &value,
						      &size) == ARCHIVE_OK) {
		int r;

		if (!name || !*name)
			return error_set(err, -EBADMSG,
					 "an extended attribute has no name");
		if (strlen(name) > TAR_XATTR_NAME_SIZE_MAX ||
		    size > TAR_XATTR_VALUE_SIZE_MAX)
			return error_set(err, -EFBIG,
					 "extended attribute %.64s: name or "
					 "value (%zu bytes) is longer than "
					 "Linux allows",
					 name, size);
		if (has_name(set, name))
			continue;
		r = add(set, name, value, size, err);
		if (r < 0)
			return r;
	}
	drop_empty(set);
	return 0;
}

/* The kernel's tag, 0 for what a POSIX.1e ACL does not have. */
static uint16_t acl_tag(int tag)
{
	switch (tag) {
	case ARCHIVE_ENTRY_ACL_USER_OBJ:
		return ACL_USER_OBJ;
	case ARCHIVE_ENTRY_ACL_USER:
		return ACL_USER;
	case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
		return ACL_GROUP_OBJ;
	case ARCHIVE_ENTRY_ACL_GROUP:
		return ACL_GROUP;
	case ARCHIVE_ENTRY_ACL_MASK:
		return ACL_MASK;
	case ARCHIVE_ENTRY_ACL_OTHER:
		return ACL_OTHER;
	default:
		return 0;
	}
}

static bool next_acl_item(const struct archive_library *library,
			  struct archive_entry *entry, int type,
			  struct acl_item *ret, bool *ret_is_numeric)
{
	const char *name;
	int entry_type;
	int permset;
	int tag;
	int id;

	if (library->archive_entry_acl_next(entry, type, &entry_type, &permset,
					    &tag, &id, &name) != ARCHIVE_OK)
		return false;
	ret->tag = acl_tag(tag);
	ret->perm = (uint16_t)(permset & 7);
	ret->id = ACL_UNDEFINED_ID;
	*ret_is_numeric = ret->tag != 0;
	if (ret->tag == ACL_USER || ret->tag == ACL_GROUP) {
		ret->id = (uint32_t)id;
		*ret_is_numeric = id >= 0;
	}
	return true;
}

static int compare_acl_items(const void *a, const void *b)
{
	const struct acl_item *x = a;
	const struct acl_item *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return 0;
}

static int encode_acl(struct acl_item *items, size_t count,
		      struct buffer *buffer)
{
	uint8_t bytes[ACL_ITEM_SIZE];
	int r;

	qsort(items, count, sizeof(*items), compare_acl_items);
	buffer->size = 0;
	le_store32(bytes, POSIX_ACL_XATTR_VERSION);
	r = buffer_append(buffer, bytes, ACL_HEADER_SIZE);
	for (size_t i = 0; i < count && r == 0; i++) {
		le_store16(bytes, items[i].tag);
		le_store16(bytes + 2, items[i].perm);
		le_store32(bytes + 4, items[i].id);
		r = buffer_append(buffer, bytes, ACL_ITEM_SIZE);
	}
	return r;
}

static int collect_acl(struct tar_xattr_set *set, struct archive_entry *entry,
		       size_t kind, struct error *err)
{
	int type = acl_kinds[kind].type;
	struct buffer *buffer = &set->acls[kind];
	int count = set->library->archive_entry_acl_reset(entry, type);
	bool is_numeric = true;
	struct acl_item *items;
	size_t used = 0;
	int r = 0;

	if (count <= 0 || has_name(set, acl_kinds[kind].name))
		return 0;
	if (count > ACL_ITEM_COUNT_MAX)
		return error_set(err, -EFBIG, "an ACL has %d entries", count);
	items = calloc((size_t)count, sizeof(*items));
	if (!items)
		return error_set(err, -ENOMEM, "out of memory");
	while (used < (size_t)count && is_numeric &&
	       next_acl_item(set->library, entry, type, &items[used],
			     &is_numeric))
		used++;
	if (is_numeric && used)
		r = encode_acl(items, used, buffer);
	free(items);
	if (r < 0)
		return error_set(err, r, "out of memory");
	if (!is_numeric || !used)
		return 0;
	return add(set, acl_kinds[kind].name, buffer->data, buffer->size, err);
}

int tar_xattr_collect(struct tar_xattr_set *set, struct archive_entry *entry,
		      struct error *err)
{
	int r;

	set->count = 0;
	r = collect_stored(set, entry, err);
	for (size_t i = 0; i < 2 && r == 0; i++)
		r = collect_acl(set, entry, i, err);
	assert(set->count <= TAR_XATTR_COUNT_MAX);
	return r;
}

uint32_t tar_xattr_acl_mode(const struct archive_library *library,
			    struct archive_entry *entry, uint32_t mode)
{
	int count = library->archive_entry_acl_reset(
		entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS);
	struct acl_item item;
	bool is_numeric;

	while (count-- > 0 &&
	       next_acl_item(library, entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS,
			     &item, &is_numeric))
		if (item.tag == ACL_MASK)
			return (mode & ~(uint32_t)070) | (uint32_t)item.perm
								 << 3;
	return mode;
}
