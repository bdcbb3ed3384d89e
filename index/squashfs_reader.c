/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_reader.h"

#include "common/error.h"
#include "common/le.h"
#include "index/index_format.h"
#include "index/squashfs_error.h"
#include "index/squashfs_memory.h"
#include "index/squashfs_super.h"
#include "index/tree.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
	/* Reads of one metadata block: its two bytes of header, its bytes. */
	READS_PER_BLOCK = 2,
	/* of one table of places, and of the metadata blocks it names */
	READS_OF_TABLES = 1 << 20,
	/* The header of an inode or an entry may lie across two blocks. */
	READS_OF_RECORD = READS_PER_BLOCK * 4,
	BASE_SIZE = sizeof(sqfs_inode_t),
};

struct squashfs_reader {
	const struct squashfs_library *lib;
	const struct squashfs_super *super; /* borrowed */
	struct squashfs_memory memory;
	sqfs_super_t sqfs;
	sqfs_compressor_t *compressor;
	sqfs_id_table_t *ids;
	sqfs_frag_table_t *fragments;
	sqfs_meta_reader_t *inode_meta;
	sqfs_meta_reader_t *dir_meta;
	sqfs_xattr_reader_t *xattr_ids; /* where lists are */
	struct squashfs_xattrs_source xattrs;
	sqfs_readdir_state_t dir;    /* of the open directory */
	sqfs_dir_entry_t *dir_entry; /* the one given out last */
};

static int damaged(int code, const char *what, struct error *err)
{
	if (code == SQFS_ERROR_ALLOC)
		return error_set(err, -ENOMEM, "out of memory");
	return error_set(err, -EPROTO,
			 "the SquashFS file system is damaged: %s cannot be "
			 "read (libsquashfs error %d); copy the file anew",
			 what, code);
}

static int create_objects(struct squashfs_reader *reader, struct error *err)
{
	const struct squashfs_library *lib = reader->lib;
	sqfs_file_t *file = &reader->memory.file;
	sqfs_compressor_config_t config;
	int r = lib->sqfs_super_read(&reader->sqfs, file);

	if (r == 0)
		r = lib->sqfs_compressor_config_init(
			&config, reader->super->compressor,
			reader->super->block_size, SQFS_COMP_FLAG_UNCOMPRESS);
	if (r == 0)
		r = lib->sqfs_compressor_create(&config, &reader->compressor);
	if (r != 0)
		return damaged(r, "the superblock", err);
	reader->ids = lib->sqfs_id_table_create(0);
	reader->fragments = lib->sqfs_frag_table_create(0);
	reader->xattr_ids = lib->sqfs_xattr_reader_create(0);
	reader->inode_meta = lib->sqfs_meta_reader_create(
		file, reader->compressor, reader->super->inode_table,
		reader->super->directory_table);
	reader->dir_meta = lib->sqfs_meta_reader_create(
		file, reader->compressor, reader->super->directory_table,
		reader->super->bytes_used);
	reader->xattrs.lib = lib;
	reader->xattrs.memory = &reader->memory;
	reader->xattrs.list = lib->sqfs_meta_reader_create(
		file, reader->compressor, reader->super->inode_table,
		reader->super->bytes_used);
	reader->xattrs.value = lib->sqfs_meta_reader_create(
		file, reader->compressor, reader->super->inode_table,
		reader->super->bytes_used);
	if (!reader->ids || !reader->fragments || !reader->xattr_ids ||
	    !reader->xattrs.list || !reader->xattrs.value ||
	    !reader->inode_meta || !reader->dir_meta)
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

/* The table's size is the first thing that is allocated for. */
static int check_xattr_table(struct squashfs_reader *reader, struct error *err)
{
	const struct squashfs_super *super = reader->super;
	const uint8_t *table = reader->memory.tables;
	uint64_t start;

	if (super->xattr_table == SQUASHFS_SUPER_NO_TABLE)
		return 0;
	if (super->bytes_used - super->xattr_table <
	    sizeof(sqfs_xattr_id_table_t))
		return damaged(SQFS_ERROR_OUT_OF_BOUNDS, "the table of xattrs",
			       err);
	table += super->xattr_table - super->inode_table;
	start = le_load64(table);
	if (le_load32(table + 8) > super->inode_count ||
	    start < super->inode_table || start > super->xattr_table)
		return damaged(SQFS_ERROR_OUT_OF_BOUNDS, "the table of xattrs",
			       err);
	reader->xattrs.start = start;
	return 0;
}

static int load_tables(struct squashfs_reader *reader, struct error *err)
{
	const struct squashfs_library *lib = reader->lib;
	sqfs_file_t *file = &reader->memory.file;
	int r = lib->sqfs_id_table_read(reader->ids, file, &reader->sqfs,
					reader->compressor);

	if (r != 0)
		return damaged(r, "the table of ids", err);
	if (reader->super->fragment_count > 0)
		r = lib->sqfs_frag_table_read(reader->fragments, file,
					      &reader->sqfs,
					      reader->compressor);
	if (r != 0)
		return damaged(r, "the table of fragments", err);
	r = check_xattr_table(reader, err);
	if (r < 0)
		return r;
	r = lib->sqfs_xattr_reader_load(reader->xattr_ids, &reader->sqfs, file,
					reader->compressor);
	return r == 0 ? 0 : damaged(r, "the table of xattrs", err);
}

int squashfs_reader_create(const struct squashfs_super *super, const void *head,
			   const void *tables, struct squashfs_reader **ret,
			   struct error *err)
{
	CLEANUP(squashfs_reader_destroyp) struct squashfs_reader *reader = NULL;
	const struct squashfs_library *lib;
	int r = squashfs_library_load(&lib, err);

	if (r < 0)
		return r;
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return error_set(err, -ENOMEM, "out of memory");
	reader->lib = lib;
	reader->super = super;
	squashfs_memory_init(&reader->memory, head, SQUASHFS_SUPER_SIZE, tables,
			     super->inode_table,
			     super->bytes_used - super->inode_table);
	reader->memory.reads_left = READS_OF_TABLES;
	r = create_objects(reader, err);
	if (r == 0)
		r = load_tables(reader, err);
	if (r < 0)
		return r;
	*ret = STEAL_PTR(reader);
	return 0;
}

void squashfs_reader_destroy(struct squashfs_reader *reader)
{
	if (!reader)
		return;
	squashfs_xattrs_source_fini(&reader->xattrs);
	sqfs_destroy(reader->xattr_ids);
	sqfs_destroy(reader->dir_meta);
	sqfs_destroy(reader->inode_meta);
	sqfs_destroy(reader->fragments);
	sqfs_destroy(reader->ids);
	sqfs_destroy(reader->compressor);
	squashfs_reader_free(reader, reader->dir_entry);
	free(reader);
}

void squashfs_reader_free(struct squashfs_reader *reader, void *object)
{
	if (object)
		reader->lib->sqfs_free(object);
}

const struct squashfs_library *squashfs_reader_library(
	const struct squashfs_reader *reader)
{
	return reader->lib;
}

/* Blocks that an inode names, as the format counts them. */
static uint64_t count_blocks(const struct squashfs_reader *reader,
			     uint64_t size, uint32_t fragment)
{
	uint64_t count = size / reader->super->block_size;

	return count +
	       (size % reader->super->block_size && fragment == UINT32_MAX);
}

/*
 * What libsquashfs is going to allocate for an inode, from the bytes of its
 * own that say so.  @ret: how much of the inode table that takes.
 */
static int check_sizes(const struct squashfs_reader *reader, unsigned type,
		       const uint8_t *body, uint64_t *ret, struct error *err)
{
	uint64_t table_size =
		reader->super->directory_table - reader->super->inode_table;
	uint64_t count = 0;

	*ret = 64;
	switch (type) {
	case SQFS_INODE_SLINK:
	case SQFS_INODE_EXT_SLINK:
		*ret += le_load32(body + 4);
		if (le_load32(body + 4) <= INDEX_FORMAT_SYMLINK_SIZE_MAX)
			return 0;
		return error_set(err, -EFBIG,
				 "a symlink of the SquashFS file system has "
				 "over %d bytes",
				 INDEX_FORMAT_SYMLINK_SIZE_MAX);
	case SQFS_INODE_FILE:
		count = count_blocks(reader, le_load32(body + 12),
				     le_load32(body + 4));
		break;
	case SQFS_INODE_EXT_FILE:
		count = count_blocks(reader, le_load64(body + 8),
				     le_load32(body + 28));
		break;
	default:
		break;
	}
	/* A metadata block takes 3 bytes or more and gives 8 KiB. */
	if (count / 2048 > table_size / 3)
		return squashfs_error_damaged(
			err,
			"a file has more blocks than its table has room for");
	*ret += count * 4;
	return 0;
}

static size_t body_size(unsigned type)
{
	switch (type) {
	case SQFS_INODE_SLINK:
	case SQFS_INODE_EXT_SLINK:
		return sizeof(sqfs_inode_slink_t);
	case SQFS_INODE_FILE:
		return sizeof(sqfs_inode_file_t);
	case SQFS_INODE_EXT_FILE:
		return 36; /* as far as the fragment's offset, and its number */
	case SQFS_INODE_EXT_DIR:
		return sizeof(sqfs_inode_dir_ext_t);
	default:
		return 0;
	}
}

/* libsquashfs would read an index of the directory too, and allocates what that
 * asks for; only seeking needs it. */
static int make_dir(const uint8_t *base, const uint8_t *body,
		    sqfs_inode_generic_t **ret)
{
	sqfs_inode_generic_t *dir = calloc(1, sizeof(*dir));

	if (!dir)
		return SQFS_ERROR_ALLOC;
	dir->base.type = SQFS_INODE_EXT_DIR;
	dir->base.mode = le_load16(base + 2);
	dir->base.uid_idx = le_load16(base + 4);
	dir->base.gid_idx = le_load16(base + 6);
	dir->base.mod_time = le_load32(base + 8);
	dir->base.inode_number = le_load32(base + 12);
	dir->data.dir_ext.nlink = le_load32(body);
	dir->data.dir_ext.size = le_load32(body + 4);
	dir->data.dir_ext.start_block = le_load32(body + 8);
	dir->data.dir_ext.parent_inode = le_load32(body + 12);
	dir->data.dir_ext.offset = le_load16(body + 18);
	dir->data.dir_ext.xattr_idx = le_load32(body + 20);
	*ret = dir;
	return 0;
}

int squashfs_reader_get_inode(struct squashfs_reader *reader, uint64_t inode,
			      sqfs_inode_generic_t **ret, struct error *err)
{
	const struct squashfs_library *lib = reader->lib;
	uint64_t block = reader->super->inode_table + (inode >> 16);
	uint8_t base[BASE_SIZE] = { 0 };
	uint8_t body[40] = { 0 };
	uint64_t need = 0;
	int r;

	reader->memory.reads_left = READS_OF_RECORD;
	r = lib->sqfs_meta_reader_seek(reader->inode_meta, block,
				       inode & 0xffff);
	if (r == 0)
		r = lib->sqfs_meta_reader_read(reader->inode_meta, base,
					       sizeof(base));
	if (r == 0)
		r = lib->sqfs_meta_reader_read(reader->inode_meta, body,
					       body_size(le_load16(base)));
	if (r == 0 && le_load16(base) == SQFS_INODE_EXT_DIR) {
		r = make_dir(base, body, ret);
		return r == 0 ? 0 : damaged(r, "a directory", err);
	}
	if (r != 0)
		return damaged(r, "an inode", err);
	r = check_sizes(reader, le_load16(base), body, &need, err);
	if (r < 0)
		return r;
	reader->memory.reads_left =
		READS_OF_RECORD + READS_PER_BLOCK * (need / 8192 + 1);
	/* Blocks may be short, so that more of them are needed. */
	reader->memory.reads_left += READS_PER_BLOCK * need / 64;
	r = lib->sqfs_meta_reader_read_inode(reader->inode_meta, &reader->sqfs,
					     inode >> 16, inode & 0xffff, ret);
	return r == 0 ? 0 : damaged(r, "an inode", err);
}

int squashfs_reader_open_dir(struct squashfs_reader *reader,
			     const sqfs_inode_generic_t *inode,
			     struct error *err)
{
	int r = reader->lib->sqfs_readdir_state_init(&reader->dir,
						     &reader->sqfs, inode);

	return r == 0 ? 0 : damaged(r, "a directory", err);
}

static bool is_name(const sqfs_dir_entry_t *entry)
{
	size_t size = (size_t)entry->size + 1;
	const char *name = (const char *)entry->name;

	if (size > INDEX_FORMAT_NAME_SIZE_MAX || memchr(name, '/', size) ||
	    strnlen(name, size) != size)
		return false;
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int squashfs_reader_next_name(struct squashfs_reader *reader,
			      struct squashfs_name *ret, struct error *err)
{
	sqfs_dir_entry_t *entry = NULL;
	sqfs_u64 inode = 0;
	sqfs_u32 number = 0;
	int r;

	reader->memory.reads_left = READS_OF_RECORD * 2;
	r = reader->lib->sqfs_meta_reader_readdir(
		reader->dir_meta, &reader->dir, &entry, &number, &inode);
	if (r > 0)
		return 0;
	if (r < 0)
		return damaged(r, "a directory", err);
	squashfs_reader_free(reader, reader->dir_entry);
	reader->dir_entry = entry;
	if (!is_name(entry))
		return error_set(err, -EPROTO,
				 "the SquashFS file system is damaged: \"%.255s"
				 "\" cannot be a name",
				 (const char *)entry->name);
	ret->name = (const char *)entry->name;
	ret->inode = inode;
	return 1;
}

int squashfs_reader_get_id(struct squashfs_reader *reader, uint16_t place,
			   uint32_t *ret, struct error *err)
{
	int r = reader->lib->sqfs_id_table_index_to_id(reader->ids, place, ret);

	return r == 0 ? 0 : damaged(r, "an owner", err);
}

int squashfs_reader_get_fragment(struct squashfs_reader *reader,
				 uint32_t number, sqfs_fragment_t *ret,
				 struct error *err)
{
	int r = number < reader->super->fragment_count
			? reader->lib->sqfs_frag_table_lookup(reader->fragments,
							      number, ret)
			: SQFS_ERROR_OUT_OF_BOUNDS;

	return r == 0 ? 0 : damaged(r, "a fragment", err);
}

int squashfs_reader_get_xattrs(struct squashfs_reader *reader,
			       const sqfs_inode_generic_t *inode,
			       struct squashfs_xattrs *ret, struct error *err)
{
	sqfs_u32 number = UINT32_MAX;
	sqfs_xattr_id_t list = { 0 };
	int r = reader->lib->sqfs_inode_get_xattr_index(inode, &number);

	assert(r == 0);
	if (number == UINT32_MAX ||
	    reader->super->xattr_table == SQUASHFS_SUPER_NO_TABLE)
		return 0;
	reader->memory.reads_left = READS_OF_RECORD;
	r = reader->lib->sqfs_xattr_reader_get_desc(reader->xattr_ids, number,
						    &list);
	if (r != 0)
		return damaged(r, "a list of xattrs", err);
	return squashfs_xattrs_read(&reader->xattrs, &list, ret, err);
}
