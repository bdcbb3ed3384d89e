/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * archive_library: libarchive, loaded when the first layer is indexed.
 *
 * Threads: any.
 */
#include "common/shared_library.h"

#include <archive.h>
#include <archive_entry.h>

struct error;

/* What index/ uses. */
#define ARCHIVE_LIBRARY_FUNCTIONS(X)                                           \
	X(archive_entry_acl_next)                                              \
	X(archive_entry_acl_reset)                                             \
	X(archive_entry_gid)                                                   \
	X(archive_entry_hardlink)                                              \
	X(archive_entry_mode)                                                  \
	X(archive_entry_mtime)                                                 \
	X(archive_entry_mtime_nsec)                                            \
	X(archive_entry_pathname)                                              \
	X(archive_entry_rdevmajor)                                             \
	X(archive_entry_rdevminor)                                             \
	X(archive_entry_size)                                                  \
	X(archive_entry_symlink)                                               \
	X(archive_entry_uid)                                                   \
	X(archive_entry_xattr_next)                                            \
	X(archive_entry_xattr_reset)                                           \
	X(archive_errno)                                                       \
	X(archive_error_string)                                                \
	X(archive_filter_bytes)                                                \
	X(archive_read_data_block)                                             \
	X(archive_read_free)                                                   \
	X(archive_read_new)                                                    \
	X(archive_read_next_header)                                            \
	X(archive_read_open1)                                                  \
	X(archive_read_set_callback_data)                                      \
	X(archive_read_set_format_option)                                      \
	X(archive_read_set_read_callback)                                      \
	X(archive_read_support_filter_none)                                    \
	X(archive_read_support_format_empty)                                   \
	X(archive_read_support_format_tar)                                     \
	X(archive_set_error)                                                   \
	X(archive_version_string)

struct archive_library {
	ARCHIVE_LIBRARY_FUNCTIONS(SHARED_LIBRARY_MEMBER)
};

/**
 * archive_library_load() - load it unless that is done
 * @ret: valid until the process ends
 *
 * Return: 0, -ELIBACC (as shared_library_load()).
 */
int archive_library_load(const struct archive_library **ret, struct error *err);
