/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache: what is kept on this node, and how to let go of it.
 */
#include "common/chunk_ref.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/chunk_cache.h"
#include "hot/hot_gc.h"
#include "image/image.h"
#include "index/index_file.h"
#include "tools/command.h"
#include "tools/hot_builder.h"
#include "tools/index_store.h"
#include "tools/session.h"
#include "tools/size_text.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct cache_options {
	struct common_options common;
	bool all;
};

static const struct option cache_option_table[] = {
	{ "all", 'a', OPTION_FLAG, NULL, "rm: every image and chunk", NULL,
	  offsetof(struct cache_options, all) },
	{ 0 },
};

/* Called per chunk of an image. */
typedef void chunk_fn(struct chunk_cache *cache, const struct digest *key,
		      const struct chunk_ref *ref, void *arg);

static void for_each_chunk(struct chunk_cache *cache,
			   const struct index_file *index, chunk_fn *fn,
			   void *arg)
{
	const struct chunk_table *table = index_file_chunks(index);
	struct chunk_ref ref;
	struct digest key;

	for (uint32_t i = 0; i < table->count; i++) {
		if (chunk_table_get(table, i, &ref) < 0 ||
		    !chunk_table_get_key(table, &ref, &key))
			continue;
		fn(cache, &key, &ref, arg);
	}
}

struct tally {
	uint64_t count;
	uint64_t size; /* raw bytes, as they lie in the cache */
};

static void count_chunk(struct chunk_cache *cache, const struct digest *key,
			const struct chunk_ref *ref, void *arg)
{
	struct tally *tally = arg;

	if (!chunk_cache_has(cache, key, ref->raw_size))
		return;
	tally->count++;
	tally->size += ref->raw_size;
}

static void remove_chunk(struct chunk_cache *cache, const struct digest *key,
			 const struct chunk_ref *ref, void *arg)
{
	(void)ref;
	(void)arg;
	chunk_cache_remove(cache, key);
}

struct listing {
	const struct cache_options *options;
	struct chunk_cache *cache;
};

static int list_index(void *arg, int fd, const struct digest *manifest,
		      struct error *err)
{
	const struct listing *listing = arg;
	CLEANUP(index_file_closep) struct index_file *index = NULL;
	struct index_figures figures;
	struct tally tally = { 0 };
	char digest[DIGEST_TEXT_SIZE];
	char cached[SIZE_TEXT_MAX];
	char raw[SIZE_TEXT_MAX];
	json_t *json;

	digest_format(manifest, digest);
	if (index_file_open(fd, &index, err) < 0) {
		*err = (struct error){ 0 };
		printf("%s  damaged index; `lazyrun cache gc` removes it\n",
		       digest);
		return 0;
	}
	index_file_get_figures(index, &figures);
	for_each_chunk(listing->cache, index, count_chunk, &tally);
	if (!listing->options->common.json) {
		printf("%s  %u of %u chunks  %s of %s\n", digest,
		       (unsigned)tally.count, figures.chunk_count,
		       size_text_format(tally.size, cached),
		       size_text_format(figures.raw_size, raw));
		return 0;
	}
	json = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "digest", digest,
			 "index_bytes", (json_int_t)figures.file_size, "chunks",
			 (json_int_t)figures.chunk_count, "chunks_cached",
			 (json_int_t)tally.count, "bytes_cached",
			 (json_int_t)tally.size, "raw_bytes",
			 (json_int_t)figures.raw_size);
	json_dumpf(json, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(json);
	return 0;
}

static int cache_ls(const struct cache_options *options,
		    struct session *session, struct error *err)
{
	struct listing listing = {
		.options = options,
		.cache = session_cache(session),
	};

	return index_store_walk(chunk_cache_dir_fd(listing.cache), list_index,
				&listing, err);
}

static int cache_du(const struct cache_options *options,
		    struct session *session, struct error *err)
{
	struct chunk_cache_figures f;
	char size[SIZE_TEXT_MAX];
	char hot_size[SIZE_TEXT_MAX];
	char size_max[SIZE_TEXT_MAX];
	int r = chunk_cache_get_figures(session_cache(session), &f, err);

	if (r < 0)
		return r;
	if (options->common.json)
		printf("{\"bytes\":%llu,\"bytes_max\":%llu,\"chunks\":%llu,"
		       "\"hot_tree_bytes\":%llu}\n",
		       (unsigned long long)f.size,
		       (unsigned long long)f.size_max,
		       (unsigned long long)f.count,
		       (unsigned long long)f.neighbour_size);
	else
		printf("%s in %llu chunks, %s in hot trees; bound %s\n",
		       size_text_format(f.size, size),
		       (unsigned long long)f.count,
		       size_text_format(f.neighbour_size, hot_size),
		       size_text_format(f.size_max, size_max));
	return 0;
}

static int remove_index(void *arg, int fd, const struct digest *manifest,
			struct error *err)
{
	(void)fd;
	(void)err;
	index_store_remove(*(const int *)arg, manifest);
	return 0;
}

static int remove_all(struct session *session, struct error *err)
{
	int cache_fd = chunk_cache_dir_fd(session_cache(session));
	int r = chunk_cache_clear(session_cache(session), err);

	if (r == 0)
		r = index_store_walk(cache_fd, remove_index, &cache_fd, err);
	return r < 0 ? r : hot_gc_remove(cache_fd, NULL, err);
}

static int remove_image(const struct cache_options *options, const char *image,
			struct error *err)
{
	CLEANUP(session_closep) struct session *session = NULL;
	int r;

	r = session_open(image, &options->common, SESSION_IMAGE, &session, err);
	if (r < 0)
		return r;
	r = session_find_index(session, err);
	if (r < 0)
		return r;
	if (!session_index(session))
		return error_set(err, -ENOENT, "%s is not in the cache", image);
	for_each_chunk(session_cache(session), session_index(session),
		       remove_chunk, NULL);
	r = hot_gc_remove(chunk_cache_dir_fd(session_cache(session)),
			  image_manifest_digest(session_image(session)), err);
	if (r < 0)
		return r;
	return index_store_remove(
		chunk_cache_dir_fd(session_cache(session)),
		image_manifest_digest(session_image(session)));
}

static int remove_damaged(void *arg, int fd, const struct digest *manifest,
			  struct error *err)
{
	CLEANUP(index_file_closep) struct index_file *index = NULL;
	int r = index_file_open(fd, &index, NULL);

	(void)err;
	if (r == -EBADMSG || r == -ENOTSUP)
		index_store_remove(*(const int *)arg, manifest);
	return 0;
}

static int cache_gc(struct session *session, struct error *err)
{
	int cache_fd = chunk_cache_dir_fd(session_cache(session));
	int r = hot_builder_collect(session_cache(session), err);

	if (r == 0)
		r = chunk_cache_collect(session_cache(session), err);
	return r < 0 ? r
		     : index_store_walk(cache_fd, remove_damaged, &cache_fd,
					err);
}

static int cache_main(void *values, char **operands, int count,
		      struct error *err)
{
	const struct cache_options *options = values;
	CLEANUP(session_closep) struct session *session = NULL;
	const char *verb = operands[0];
	int r;

	if (strcmp(verb, "rm") == 0 && count == 2)
		return remove_image(options, operands[1], err);
	if (count != 1 || (strcmp(verb, "rm") == 0 && !options->all))
		return command_usage_error(
			err, "write `cache ls`, `cache du`, `cache gc`, `cache "
			     "rm IMAGE` or `cache rm --all`");
	r = session_open(NULL, &options->common, SESSION_CACHE, &session, err);
	if (r < 0)
		return r;
	if (strcmp(verb, "ls") == 0 || strcmp(verb, "list") == 0)
		return cache_ls(options, session, err);
	if (strcmp(verb, "du") == 0)
		return cache_du(options, session, err);
	if (strcmp(verb, "gc") == 0 || strcmp(verb, "clean") == 0)
		return cache_gc(session, err);
	if (strcmp(verb, "rm") == 0)
		return remove_all(session, err);
	return command_usage_error(err,
				   "unknown verb \"%.40s\"; ls, du, gc "
				   "and rm are there",
				   verb);
}

const struct command cmd_cache = {
	.name = "cache",
	.operands = "ls|du|gc|rm [--all|IMAGE]",
	.summary = "show or trim what is kept on this node",
	.details = "ls lists images with what is cached of them; du the space "
		   "used; gc evicts down to the\nbound and tidies; rm forgets "
		   "an image, or all.",
	.options = cache_option_table,
	.values_size = sizeof(struct cache_options),
	.operands_min = 1,
	.operands_max = 2,
	.failure_status = EXIT_FAILED,
	.main = cache_main,
};
