/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * session: everything a subcommand needs of one image, opened in order: the
 * reference, the cache, the image, its index (found, or built on the way), the
 * sources of its layers, the chunk loader.
 *
 * Threads: one at a time; starts threads of its own (network, loader) when
 * first needed.
 */
#include "common/cleanup.h"
#include "common/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_cache;
struct chunk_loader;
struct chunk_touches;
struct common_options;
struct error;
struct http_client;
struct image;
struct index_file;
struct session;
struct trace;

/* What session_open() is to end with. */
enum session_need {
	SESSION_CACHE,	 /* the cache alone; no image */
	SESSION_FRESH,	 /* the image's digest is known, asked of the image
			    itself: no index of an object is looked for */
	SESSION_IMAGE,	 /* the image's digest is known */
	SESSION_INDEX,	 /* its index is open, built when there was none */
	SESSION_LOADER,	 /* chunks can be loaded */
	SESSION_ASSUMED, /* the same of what a tag means by an index that was
			    given, while the registry is being asked:
			    session_confirm() */
};

/**
 * session_open() - open an image as far as needed
 * @image: the user's reference; NULL with SESSION_CACHE
 *
 * Building an index shows progress and says how to avoid the wait next time,
 * unless quiet.  Several processes that want the same index wait for the one
 * that builds it.
 *
 * Return: 0 or negative errno, @err saying cause and next step.
 */
int session_open(const char *image, const struct common_options *options,
		 enum session_need need, struct session **ret,
		 struct error *err);
void session_close(struct session *session);
DEFINE_CLEANUP(struct session, session_close);

/* Borrowed; NULL when not needed by session_open()'s @need. */
struct chunk_cache *session_cache(struct session *session);
struct image *session_image(struct session *session);
struct index_file *session_index(struct session *session);
struct chunk_loader *session_loader(struct session *session);
/* what that loader has been asked for */
struct chunk_touches *session_touches(struct session *session);

/** session_trace() - where events go (--trace), or NULL */
struct trace *session_trace(struct session *session);

/** session_http_client() - the client, or NULL when nothing needed it */
struct http_client *session_http_client(struct session *session);

/** session_format_cache_dir() - the cache's path as the options mean it, before
 * a session is open; 0 or negative errno with @err */
int session_format_cache_dir(const struct common_options *options, char *ret,
			     size_t size, struct error *err);

/** session_open_loader() - go on from SESSION_INDEX to SESSION_LOADER */
int session_open_loader(struct session *session, struct error *err);

/**
 * session_confirm() - wait until it is known that the tag means this image
 *
 * After SESSION_ASSUMED, before a program is shown anything of the image.
 * What was fetched meanwhile is checked, and named in the cache by what it is,
 * whatever the tag means.
 *
 * Return: 0, or as session_open(): -ESTALE (the index is of another image).
 */
int session_confirm(struct session *session, struct error *err);

/** session_find_index() - like SESSION_INDEX, but never builds: 0 with the
 * index open, or with session_index() NULL when there is none */
int session_find_index(struct session *session, struct error *err);

/** session_build_index() - read all layers, write the index to @fd
 * @keep_chunks: store every chunk seen in the cache
 *
 * Of an object (a SIF, a SquashFS file) the index has every chunk's digest. */
int session_build_index(struct session *session, int fd, bool is_packed,
			bool keep_chunks, struct error *err);

/** session_check_object() - read all of an object, and write to @fd the index
 * that its tables alone give: is that the one at hand, does all decode? */
int session_check_object(struct session *session, int fd, struct error *err);

/** session_index_doubt() - why nobody could say whether an index with digests
 * lies beside the object, where the one in use has none; NULL: all is well */
const char *session_index_doubt(const struct session *session);

/** session_index_fd() - the file of session_index(); borrowed */
int session_index_fd(const struct session *session);

/** session_index_path() - the file that the index was read from; NULL when
 * there is none or it is the cache's */
const char *session_index_path(const struct session *session);
