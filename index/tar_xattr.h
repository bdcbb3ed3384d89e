/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tar_xattr: the extended attributes of an archive entry, ACLs among them.
 *
 * PAX stores an attribute as SCHILY.xattr.NAME (raw), LIBARCHIVE.xattr.NAME
 * (URL-encoded name, base 64 value), or both for the same name: each name is
 * given once, by its last record.  SCHILY.acl.access and SCHILY.acl.default
 * (text) become system.posix_acl_access and system.posix_acl_default in the
 * kernel's format (linux/posix_acl_xattr.h), unless those were stored as well.
 *
 * Threads: one at a time.
 */
#include "common/buffer.h"
#include "index/tree.h"

#include <stdint.h>

struct archive_entry;
struct archive_library;
struct error;

enum {
	TAR_XATTR_COUNT_MAX = 1024,	  /* of one entry */
	TAR_XATTR_NAME_SIZE_MAX = 255,	  /* XATTR_NAME_MAX */
	TAR_XATTR_VALUE_SIZE_MAX = 65536, /* XATTR_SIZE_MAX */
};

/* Reused from entry to entry. */
struct tar_xattr_set {
	const struct archive_library *library; /* the reader's */
	struct tree_xattr *items;	       /* owned */
	size_t count;
	size_t capacity;
	struct buffer acls[2]; /* encoded access and default ACL */
};

#define TAR_XATTR_SET_INIT                                                     \
	{                                                                      \
		.acls = {                                                      \
			BUFFER_INIT(TAR_XATTR_VALUE_SIZE_MAX),                 \
			BUFFER_INIT(TAR_XATTR_VALUE_SIZE_MAX)                  \
		}                                                              \
	}

void tar_xattr_set_fini(struct tar_xattr_set *set);

/**
 * tar_xattr_collect() - all of an entry's attributes
 * @entry: names and values stay its own: @set is valid as long as @entry
 *
 * Return: 0, -EBADMSG (an attribute without a name), -EFBIG (a limit above),
 * -ENOMEM.
 */
int tar_xattr_collect(struct tar_xattr_set *set, struct archive_entry *entry,
		      struct error *err);

/**
 * tar_xattr_acl_mode() - what an access ACL says of the permission bits
 * @mode: the entry's mode, whose group bits libarchive took from the ACL
 *
 * Return: @mode, with the group bits those of the ACL's mask where it has one,
 * as the kernel shows it.
 */
uint32_t tar_xattr_acl_mode(const struct archive_library *library,
			    struct archive_entry *entry, uint32_t mode);
