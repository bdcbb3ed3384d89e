/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job reads from the image is what the tree lacks, so the record needs
 * no comparison with the tree: only files that are complete in the cache (or
 * in an image of this host) and that no earlier run has recorded are news.
 */
#include "tools/job_hot.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "fetch/chunk_cache.h"
#include "hot/hot_content.h"
#include "hot/hot_folder.h"
#include "hot/hot_record.h"
#include "hot/hot_stamp.h"
#include "hot/hot_tree.h"
#include "image/image.h"
#include "index/index_file.h"
#include "tools/hot_builder.h"
#include "tools/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	/* A new tree is worth it for so many files, or bytes, that it would
	 * have and the current one lacks. */
	NEWS_COUNT = 16,
	NEWS_SIZE = 1 << 20,
	/* Building may take a hundredth of the time, one over all. */
	COST_RATIO = 100,
	/* A job that ends sooner than this after its start is over before a
	 * builder would have got anywhere. */
	DELAY_MS = 1000,
};

struct news {
	uint64_t count;
	uint64_t size;
};

int job_hot_set_mode(struct job_hot *hot, const char *text, struct error *err)
{
	if (text && strcmp(text, "auto") != 0 && strcmp(text, "off") != 0)
		return error_set(err, -EINVAL,
				 "--hot-tree: \"%.40s\" is not auto or off",
				 text);
	hot->is_off = text && strcmp(text, "off") == 0;
	return 0;
}

static void log_failure(const char *what, const struct error *err)
{
	log_event(LOG_DEBUG, "tools", "op=hot_%s text=\"%s\"", what, err->text);
}

/* HTCondor removes the job's scratch directory, and images in it, with the job:
 * nobody will come for a tree of one. */
static bool is_transient(struct session *session, const char *path)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes it */
	const char *scratch = getenv("_CONDOR_SCRATCH_DIR");
	size_t len = scratch ? strlen(scratch) : 0;

	return len > 1 && path && image_is_local(session_image(session)) &&
	       strncmp(path, scratch, len) == 0 && path[len] == '/';
}

static bool is_rebuildable(const struct hot_stamp *stamp)
{
	return clock_wall_s() - stamp->built_s >=
	       (int64_t)(stamp->build_ms / 1000 * COST_RATIO);
}

/* Does the record know enough that the tree in use lacks?  Builders that were
 * started at a job's end may have been killed with it. */
static bool is_due(const struct job_hot *hot, struct session *session)
{
	const struct index_file *index = session_index(session);
	CLEANUP(hot_record_destroyp) struct hot_record *known = NULL;
	struct hot_folder folder = HOT_FOLDER_INIT;
	uint64_t count = 0;
	int r;

	if (hot->tree && !is_rebuildable(&hot->tree->stamp))
		return false;
	known = hot_record_create(hot->touched->inode_count);
	if (!known ||
	    hot_folder_open(chunk_cache_dir_fd(session_cache(session)),
			    index_file_manifest_digest(index), false, &folder,
			    NULL) < 0)
		return false;
	r = hot_record_load(known, folder.fd, HOT_FOLDER_RECORD,
			    index_file_hash(index));
	/* while another works, it has the lock */
	if (r == 0 && hot_folder_try_builder(&folder) == NODE_LOCK_TAKEN)
		r = -EBUSY;
	hot_folder_close(&folder);
	for (uint32_t n = r < 0 ? 0 : hot_record_next(known, 0); n != 0;
	     n = hot_record_next(known, n))
		count++;
	return hot->tree ? count >= hot->tree->stamp.content_count + NEWS_COUNT
			 : count > 0;
}

void job_hot_open(struct job_hot *hot, struct session *session,
		  const char *path, bool maps_ids)
{
	struct index_figures figures;
	struct error err = { 0 };

	if (hot->is_off || is_transient(session, path))
		return;
	index_file_get_figures(session_index(session), &figures);
	hot->maps_ids = maps_ids;
	hot->touched = hot_record_create(figures.inode_count);
	if (!hot->touched)
		return;
	if (hot_tree_open(chunk_cache_dir_fd(session_cache(session)),
			  session_index(session), maps_ids, &hot->tree,
			  &err) < 0)
		log_failure("open", &err);
	hot->is_due = is_due(hot, session);
}

const char *job_hot_path(const struct job_hot *hot)
{
	return hot->tree ? hot->tree->path : NULL;
}

const char *job_hot_kind(const struct job_hot *hot)
{
	if (!hot->tree)
		return "none";
	return job_hot_is_whole(hot) ? "whole" : "partial";
}

bool job_hot_is_whole(const struct job_hot *hot)
{
	return hot->tree && hot->tree->stamp.kind == HOT_STAMP_WHOLE;
}

void job_hot_observe(void *arg, uint32_t inode, uint64_t off, uint64_t size)
{
	struct job_hot *hot = arg;

	(void)off;
	(void)size;
	if (hot->touched)
		hot_record_add(hot->touched, inode);
}

/* Takes away from @touched what @known has or what no tree may have. */
static struct news keep_news(struct hot_record *touched,
			     const struct hot_record *known,
			     struct session *session)
{
	const struct index_file *index = session_index(session);
	uint64_t fetch_size_max = hot_builder_fetch_size_max(session);
	struct news news = { 0 };

	for (uint32_t n = hot_record_next(touched, 0); n != 0;
	     n = hot_record_next(touched, n)) {
		struct index_inode inode;

		if (hot_record_has(known, n) ||
		    index_file_get_inode(index, n, &inode) < 0 ||
		    !S_ISREG(inode.mode) ||
		    (inode.size > fetch_size_max &&
		     !hot_content_is_complete(index, session_loader(session),
					      n))) {
			hot_record_remove(touched, n);
			continue;
		}
		news.count++;
		news.size += inode.size;
	}
	return news;
}

static bool is_worth_it(const struct hot_folder *folder,
			const struct index_file *index, bool maps_ids,
			const struct news *news)
{
	struct hot_stamp stamp;

	if (hot_folder_load_stamp(folder, &stamp) < 0 ||
	    stamp.index_hash != index_file_hash(index) ||
	    stamp.maps_ids != maps_ids)
		return true;
	if (news->count < NEWS_COUNT && news->size < NEWS_SIZE)
		return false;
	return is_rebuildable(&stamp);
}

/* Return: whether a new tree is worth making; negative errno. */
static int remember(const struct job_hot *hot, struct session *session,
		    struct error *err)
{
	const struct index_file *index = session_index(session);
	struct hot_folder folder = HOT_FOLDER_INIT;
	uint64_t hash = index_file_hash(index);
	struct hot_record *known;
	struct news news;
	int r;

	known = hot_record_create(hot->touched->inode_count);
	if (!known)
		return error_set(err, -ENOMEM, "out of memory");
	r = hot_folder_open(chunk_cache_dir_fd(session_cache(session)),
			    index_file_manifest_digest(index), true, &folder,
			    err);
	if (r < 0) {
		hot_record_destroy(known);
		return r;
	}
	(void)hot_record_load(known, folder.fd, HOT_FOLDER_RECORD, hash);
	news = keep_news(hot->touched, known, session);
	for (uint32_t n = hot_record_next(hot->touched, 0); n != 0;
	     n = hot_record_next(hot->touched, n))
		hot_record_add(known, n);
	if (news.count > 0)
		r = hot_record_save(known, folder.fd, HOT_FOLDER_RECORD, hash,
				    err);
	if (r == 0 && hot_record_next(known, 0) != 0)
		r = is_worth_it(&folder, index, hot->maps_ids, &news);
	hot_folder_close(&folder);
	hot_record_destroy(known);
	return r;
}

bool job_hot_end(struct job_hot *hot, struct session *session)
{
	struct error err = { 0 };
	int r;

	hot_tree_close(STEAL_PTR(hot->tree));
	if (!hot->touched || hot_record_next(hot->touched, 0) == 0)
		return false;
	r = remember(hot, session, &err);
	if (r < 0)
		log_failure("record", &err);
	return r == 1;
}

static void start_builder(const struct job_hot *hot,
			  const struct common_options *options,
			  const char *image, uint64_t delay_ms)
{
	const struct hot_builder_order order = {
		.image = image,
		.maps_ids = hot->maps_ids,
		.delay_ms = delay_ms,
	};
	struct error err = { 0 };
	int r = hot_builder_start(options, &order);

	if (r < 0) {
		error_set_errno(&err, r, "cannot start the builder");
		log_failure("build", &err);
	}
}

void job_hot_build_beside(const struct job_hot *hot,
			  const struct common_options *options,
			  const char *image)
{
	if (hot->is_due)
		start_builder(hot, options, image, DELAY_MS);
}

void job_hot_build(const struct job_hot *hot,
		   const struct common_options *options, const char *image)
{
	start_builder(hot, options, image, 0);
}

void job_hot_fini(struct job_hot *hot)
{
	hot_tree_close(STEAL_PTR(hot->tree));
	hot_record_destroy(STEAL_PTR(hot->touched));
}
