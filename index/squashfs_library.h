/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * squashfs_library: libsquashfs (of squashfs-tools-ng), loaded when the first
 * SquashFS image is indexed.
 *
 * Threads: any.
 */
#include "common/shared_library.h"

#include <sqfs/block.h>
#include <sqfs/compressor.h>
#include <sqfs/dir.h>
#include <sqfs/error.h>
#include <sqfs/frag_table.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/meta_reader.h>
#include <sqfs/super.h>
#include <sqfs/xattr.h>
#include <sqfs/xattr_reader.h>

struct error;

/* What index/ uses. */
#define SQUASHFS_LIBRARY_FUNCTIONS(X)                                          \
	X(sqfs_compressor_config_init)                                         \
	X(sqfs_compressor_create)                                              \
	X(sqfs_frag_table_create)                                              \
	X(sqfs_frag_table_lookup)                                              \
	X(sqfs_frag_table_read)                                                \
	X(sqfs_free)                                                           \
	X(sqfs_id_table_create)                                                \
	X(sqfs_id_table_index_to_id)                                           \
	X(sqfs_id_table_read)                                                  \
	X(sqfs_inode_get_file_block_start)                                     \
	X(sqfs_inode_get_file_size)                                            \
	X(sqfs_inode_get_frag_location)                                        \
	X(sqfs_inode_get_xattr_index)                                          \
	X(sqfs_meta_reader_create)                                             \
	X(sqfs_meta_reader_read)                                               \
	X(sqfs_meta_reader_read_inode)                                         \
	X(sqfs_meta_reader_readdir)                                            \
	X(sqfs_meta_reader_seek)                                               \
	X(sqfs_readdir_state_init)                                             \
	X(sqfs_super_read)                                                     \
	X(sqfs_xattr_reader_create)                                            \
	X(sqfs_xattr_reader_get_desc)                                          \
	X(sqfs_xattr_reader_load)

struct squashfs_library {
	SQUASHFS_LIBRARY_FUNCTIONS(SHARED_LIBRARY_MEMBER)
};

/**
 * squashfs_library_load() - load it unless that is done
 * @ret: valid until the process ends
 *
 * Return: 0, -ELIBACC (as shared_library_load()).
 */
int squashfs_library_load(const struct squashfs_library **ret,
			  struct error *err);
