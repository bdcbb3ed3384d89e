/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * index_file: an opened index, answering what a filesystem asks.
 *
 * An index holds the merged tree of an image, where each byte of each file
 * lies in the image's blobs, and the image's manifest and configuration.  The
 * format is specified in docs/index-format.md; constants in index_format.h.
 * Sections stored raw are used in place (mmap), compressed ones are inflated
 * into private memory at open.  Windows are never mapped: they are read when a
 * chunk first needs one.
 *
 * The file is untrusted: section checksums are checked at open, every number
 * in every accessor, so a damaged index gives -EBADMSG, never a crash, a loop
 * or an answer outside the file.
 *
 * Threads: immutable once open; any function from any thread.  Nothing blocks
 * except on the local disk.
 */
#include "common/chunk_ref.h"
#include "common/cleanup.h"
#include "common/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct index_file; /* opaque */

enum { INDEX_ROOT = 1 }; /* inode number of the root; 0 is never valid */

#define INDEX_NO_CHUNK UINT32_MAX /* a hole: reads as zeros */

struct index_inode {
	uint32_t number;
	uint32_t mode; /* type and permissions, as st_mode */
	uint32_t uid;  /* as the image says, not mapped */
	uint32_t gid;
	uint32_t nlink;
	uint32_t rdev_major; /* devices only, else 0 */
	uint32_t rdev_minor;
	uint32_t mtime_ns; /* 0 to 999999999 */
	int64_t mtime_s;   /* may be negative */
	uint64_t size;	   /* bytes; of a symlink its target's length */
	uint32_t parent;   /* directories: the parent's inode (root: itself);
			      others: one of the directories that name it */
	bool has_xattrs;
};

struct index_dirent {
	uint32_t inode;
	const char *name; /* not NUL-terminated; points into the index */
	size_t name_size; /* 1 to 255; never "." or "..", no '/', no NUL */
};

struct index_xattr {
	const char *name; /* NUL-free, 1 to 255 bytes, not terminated */
	size_t name_size;
	const uint8_t *value;
	size_t value_size; /* up to 65536 */
};

/* A piece of a file that lies in one chunk, or a hole. */
struct index_piece {
	uint64_t off;	    /* in the file */
	uint64_t size;	    /* bytes, at least 1 */
	uint32_t chunk;	    /* chunk number, or INDEX_NO_CHUNK */
	uint32_t chunk_off; /* in the chunk's raw bytes */
};

struct index_blob {
	struct digest digest;  /* of the blob as stored in the registry */
	struct digest diff_id; /* of the uncompressed layer */
	uint64_t size;	       /* bytes in the registry */
	uint64_t raw_size;     /* bytes uncompressed */
	uint32_t first_chunk;
	uint32_t chunk_count;
};

struct index_figures {
	uint64_t file_size;   /* bytes of the index file */
	uint64_t mount_size;  /* bytes of it that a mount must have: all but
				 the windows */
	uint64_t window_size; /* bytes of the windows */
	uint64_t stored_size; /* sum of the blobs' sizes */
	uint64_t raw_size;    /* sum of the layers' uncompressed sizes */
	uint32_t inode_count;
	uint32_t chunk_count;
	uint32_t blob_count;
	bool is_packed; /* sections are stored compressed */
};

/**
 * index_file_open() - open and check an index
 * @fd: a regular file; borrowed: must stay open until index_file_close()
 *
 * Return: 0, -EBADMSG (not an index, truncated, a section's checksum is
 * wrong), -ENOTSUP (another format version or an unknown required feature),
 * -EFBIG (past a stated limit), -EIO, -ENOMEM; @err says which and what to do.
 */
int index_file_open(int fd, struct index_file **ret, struct error *err);
void index_file_close(struct index_file *index);
DEFINE_CLEANUP(struct index_file, index_file_close);

/**
 * index_file_check() - read everything once and check that it hangs together
 *
 * Every directory reachable exactly once, names sorted and unique, link
 * counts right, every piece of every file within its chunk, every window's
 * digest right.  For `verify` and tests; time grows with the index.
 *
 * Return: 0 or -EBADMSG with @err naming the first fault.
 */
int index_file_check(const struct index_file *index, struct error *err);

/** index_file_chunks() - the chunk table, valid as long as the index */
const struct chunk_table *index_file_chunks(const struct index_file *index);

void index_file_get_figures(const struct index_file *index,
			    struct index_figures *ret);

/** index_file_has_digests() - has every chunk one?  Looks at each. */
bool index_file_has_digests(const struct index_file *index);

/** index_file_manifest_digest() - of the image manifest this is an index of */
const struct digest *index_file_manifest_digest(const struct index_file *index);

/** index_file_hash() - of the index's header, which has the hashes of all that
 * a mount needs: the same number means the same inodes, names and chunks */
uint64_t index_file_hash(const struct index_file *index);

/** index_file_hints() - the section of hints, for hint_table_decode(); empty
 * when the index has none */
const uint8_t *index_file_hints(const struct index_file *index,
				size_t *ret_size);

/** index_file_manifest(), index_file_config() - the JSON bytes, borrowed */
const char *index_file_manifest(const struct index_file *index,
				size_t *ret_size);
const char *index_file_config(const struct index_file *index, size_t *ret_size);

/** index_file_get_blob() - 0, -EINVAL (no such blob) or -EBADMSG */
int index_file_get_blob(const struct index_file *index, uint32_t number,
			struct index_blob *ret);

/** index_file_chunk_raw_off() - where a chunk's raw bytes start in its layer */
int index_file_chunk_raw_off(const struct index_file *index, uint32_t chunk,
			     uint64_t *ret);

/** index_file_get_inode() - 0, -ENOENT (no such number), -EBADMSG */
int index_file_get_inode(const struct index_file *index, uint32_t number,
			 struct index_inode *ret);

/**
 * index_file_lookup() - a name in a directory, by binary search
 *
 * Return: 0, -ENOENT, -ENOTDIR, -EBADMSG.
 */
int index_file_lookup(const struct index_file *index, uint32_t dir,
		      const char *name, size_t name_size, uint32_t *ret_inode);

/**
 * index_file_find_dirent() - where a directory's names begin that are not
 * before @name
 *
 * Return: 0 with a position for index_file_get_dirent(), which may be past the
 * last; -ENOENT, -ENOTDIR, -EBADMSG.
 */
int index_file_find_dirent(const struct index_file *index, uint32_t dir,
			   const char *name, size_t name_size,
			   uint32_t *ret_position);

/**
 * index_file_get_dirent() - the directory's entry number @position
 * @position: from 0, in the order of the names' bytes
 *
 * Return: 0, -ENOENT past the last, -ENOTDIR, -EBADMSG.
 */
int index_file_get_dirent(const struct index_file *index, uint32_t dir,
			  uint32_t position, struct index_dirent *ret);

/**
 * index_file_get_symlink() - a symlink's target
 * @ret: not NUL-terminated, points into the index; 1 to 4095 bytes, no NUL
 *
 * Return: 0, -EINVAL (not a symlink), -EBADMSG.
 */
int index_file_get_symlink(const struct index_file *index, uint32_t number,
			   const char **ret, size_t *ret_size);

/** index_file_has_xattrs_but() - whether any inode has an extended attribute of
 * another name than @name; a table that cannot be read counts as having */
bool index_file_has_xattrs_but(const struct index_file *index,
			       const char *name);

/**
 * index_file_get_xattr() - an inode's extended attribute number @position
 *
 * Return: 0, -ENODATA past the last, -EBADMSG.
 */
int index_file_get_xattr(const struct index_file *index, uint32_t number,
			 uint32_t position, struct index_xattr *ret);

/**
 * index_file_get_piece() - the piece of a regular file that holds byte @off
 *
 * The piece starts at @off exactly and is as long as its chunk or hole
 * allows.
 *
 * Return: 0, -ENODATA at or past the end, -EINVAL (not a regular file),
 * -EBADMSG.
 */
int index_file_get_piece(const struct index_file *index, uint32_t number,
			 uint64_t off, struct index_piece *ret);

/**
 * index_file_resolve() - a path within the image
 * @path:         with or without a leading '/'; ".." stops at the root
 * @follow_final: whether a symlink in the last place is followed
 *
 * Symlinks are followed within the image, at most 40.
 *
 * Return: 0, -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EBADMSG.
 */
int index_file_resolve(const struct index_file *index, const char *path,
		       bool follow_final, uint32_t *ret_inode);

/** index_file_resolve_at() - the same for a path that starts at a directory,
 * unless it has a leading '/' */
int index_file_resolve_at(const struct index_file *index, uint32_t dir,
			  const char *path, bool follow_final,
			  uint32_t *ret_inode);

/** index_file_find_at() - the inode at such a path, links followed, if it is of
 * a type (S_IFREG); 0: there is none, or the index is damaged there */
uint32_t index_file_find_at(const struct index_file *index, uint32_t dir,
			    const char *path, uint32_t type);

/** index_file_is_directory() - is it the number of one? */
bool index_file_is_directory(const struct index_file *index, uint32_t number);

/** index_file_get_path() - "/usr/bin/python3.11" of an inode, by its parents
 *
 * Return: 0, -ENAMETOOLONG, -EBADMSG.
 */
int index_file_get_path(const struct index_file *index, uint32_t number,
			char *ret, size_t capacity);
