/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_index: an index that somebody made of an object (a SIF, a SquashFS
 * file) and put where it is found.
 *
 * Looked for, in this order: beside a file, PATH.lzi; in the directory that
 * --index-dir names, under the object's whole path (DIR/chtc/staging/x.sif.lzi
 * of osdf:///chtc/staging/x.sif, DIR/HOST/PATH.lzi of a URL) and under its
 * last component alone; beside a URL, URL.lzi, which is fetched into the cache.
 *
 * Threads: any; no shared state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest;
struct error;
struct image_ref;
struct object_source_options;

enum {
	OBJECT_INDEX_FOUND = 0,
	OBJECT_INDEX_ABSENT = 1,
	OBJECT_INDEX_UNKNOWN = 2, /* nobody who was asked could say */
};

/** object_index_is_for() - is it the reference of an object? */
bool object_index_is_for(const struct image_ref *ref);

/**
 * object_index_find() - the file that is this object's index
 * @dir: NULL: none
 * @ret: malloc'ed; NULL when there is none.  It may be of another object of
 *       the same name: opening the image finds that out
 *
 * Return: 0, -ENOMEM.
 */
int object_index_find(const struct image_ref *ref, const char *dir, char **ret,
		      struct error *err);

/**
 * object_index_recall() - what object_index_fetch() found lately
 * @age_s_max: seconds
 * @ret:       with FOUND the digest that names the index in the cache
 *
 * Return: OBJECT_INDEX_FOUND, OBJECT_INDEX_ABSENT (there is none), or -ENOENT
 * (nobody asked lately).
 */
int object_index_recall(const struct image_ref *ref, int cache_dir_fd,
			uint64_t age_s_max, struct digest *ret);

/**
 * object_index_fetch() - bring the index beside an object at a URL into the
 * cache, and remember whether there is one
 * @ref: IMAGE_REF_URL or IMAGE_REF_OSDF
 *
 * Waits for the network.  Where a federation's cache sends what is no index,
 * its origin is asked.  A web server's refusal counts as absent: those that do
 * not list what they have refuse what is not there.  Neither it nor
 * OBJECT_INDEX_UNKNOWN is remembered.
 *
 * Return: OBJECT_INDEX_FOUND, OBJECT_INDEX_ABSENT; OBJECT_INDEX_UNKNOWN with
 * @err saying why; -EBADMSG, -ENOTSUP, -EFBIG (what is there is no index that
 * can be used: @err names it); -ENOMEM; the errno of the cache.
 */
int object_index_fetch(const struct image_ref *ref,
		       const struct object_source_options *options,
		       int cache_dir_fd, struct digest *ret, struct error *err);

/**
 * object_index_keep() - packed bytes into the cache, unpacked and checked
 * @name: what the cache calls it; NULL: the digest of the image's manifest
 * @ret:  that digest; may be NULL
 *
 * Return: 0; -EBADMSG, -ENOTSUP (no index that can be used); -ENOMEM; the
 * cache's errno.
 */
int object_index_keep(const uint8_t *bytes, size_t size, int cache_dir_fd,
		      const struct digest *name, struct digest *ret,
		      struct error *err);
