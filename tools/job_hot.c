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
#include "hot/hot_build.h"
#include "hot/hot_content.h"
#include "hot/hot_folder.h"
#include "hot/hot_gc.h"
#include "hot/hot_record.h"
#include "hot/hot_stamp.h"
#include "hot/hot_tree.h"
#include "image/image.h"
#include "index/index_file.h"
#include "tools/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	/* A new tree is worth it for so many files, or bytes, that it would
	 * have and the current one lacks. */
	NEWS_COUNT = 16,
	NEWS_SIZE = 1 << 20,
	/* Building may take a hundredth of the time, one over all. */
	COST_RATIO = 100,
	BUILD_S_MAX = 120,
	/* Part of the cache's bound that hot trees may take. */
	SIZE_DIVISOR = 4,
	/* Larger files of local images are no news unless they were read
	 * whole. */
	FETCH_SIZE_MAX = 64 << 20,
	NICENESS = 19,
	/* ioprio_set(2) */
	IOPRIO_WHO_PROCESS = 1,
	IOPRIO_CLASS_IDLE = 3,
	IOPRIO_CLASS_SHIFT = 13,
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

void job_hot_open(struct job_hot *hot, struct session *session, bool maps_ids)
{
	struct index_figures figures;
	struct error err = { 0 };

	if (hot->is_off)
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

/* What a tree may have of it although it is not all in the cache: reading a
 * file of this host again is no fetching. */
static uint64_t get_fetch_size_max(struct session *session)
{
	return image_is_local(session_image(session)) ? FETCH_SIZE_MAX : 0;
}

/* Takes away from @touched what @known has or what no tree may have. */
static struct news keep_news(struct hot_record *touched,
			     const struct hot_record *known,
			     struct session *session)
{
	const struct index_file *index = session_index(session);
	uint64_t fetch_size_max = get_fetch_size_max(session);
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
	return clock_wall_s() - stamp.built_s >=
	       (int64_t)(stamp.build_ms / 1000 * COST_RATIO);
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

/* -- in the process that builds */

static void become_unnoticed(void)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && null_fd >= 0; fd++)
		dup2(null_fd, fd);
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	if (chdir("/") < 0)
		_exit(EXIT_FAILED);
	signal(SIGHUP, SIG_IGN);
	signal(SIGALRM, SIG_DFL);
	alarm(BUILD_S_MAX);
	setpriority(PRIO_PROCESS, 0, NICENESS);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		      IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT);
}

static int get_size_max(struct chunk_cache *cache, uint64_t *ret,
			struct error *err)
{
	struct chunk_cache_figures figures;
	int r = chunk_cache_get_figures(cache, &figures, err);

	if (r == 0)
		*ret = figures.size_max / SIZE_DIVISOR;
	return r;
}

int job_hot_collect(struct chunk_cache *cache, struct error *err)
{
	uint64_t size_max = 0;
	int r = get_size_max(cache, &size_max, err);

	return r < 0 ? r
		     : hot_gc_collect(chunk_cache_dir_fd(cache), size_max, err);
}

static int build_locked(struct session *session, struct hot_folder *folder,
			bool maps_ids, struct error *err)
{
	const struct index_file *index = session_index(session);
	struct index_figures figures;
	struct hot_build_options options = {
		.index = index,
		.loader = session_loader(session),
		.maps_ids = maps_ids,
		.wants_whole = hot_build_can_be_whole(),
		.fetch_size_max = get_fetch_size_max(session),
	};
	struct hot_record *record;
	int r;

	r = get_size_max(session_cache(session), &options.size_max, err);
	if (r < 0)
		return r;
	index_file_get_figures(index, &figures);
	record = hot_record_create(figures.inode_count);
	if (!record)
		return error_set(err, -ENOMEM, "out of memory");
	r = hot_record_load(record, folder->fd, HOT_FOLDER_RECORD,
			    index_file_hash(index));
	options.record = record;
	if (r == 0)
		r = hot_build(folder, &options, err);
	hot_record_destroy(record);
	return r;
}

static int build(const struct common_options *options, const char *image,
		 bool maps_ids, struct error *err)
{
	CLEANUP(session_closep) struct session *session = NULL;
	struct hot_folder folder = HOT_FOLDER_INIT;
	int r;

	r = session_open(image, options, SESSION_LOADER, &session, err);
	if (r < 0)
		return r;
	r = hot_folder_open(chunk_cache_dir_fd(session_cache(session)),
			    index_file_manifest_digest(session_index(session)),
			    true, &folder, err);
	if (r < 0)
		return r;
	if (hot_folder_try_builder(&folder) == NODE_LOCK_HELD)
		r = build_locked(session, &folder, maps_ids, err);
	hot_folder_close(&folder);
	return r < 0 ? r : job_hot_collect(session_cache(session), err);
}

void job_hot_build(const struct common_options *options, const char *image,
		   bool maps_ids)
{
	struct common_options own = *options;
	struct error err = { 0 };
	pid_t pid;

	/* what the tag meant for the job, it means here */
	own.tag_ttl_ms = (uint64_t)INT32_MAX * 1000;
	own.quiet = true;
	own.trace = NULL;
	pid = fork();
	if (pid != 0)
		return;
	become_unnoticed();
	_exit(build(&own, image, maps_ids, &err) < 0 ? EXIT_FAILED : 0);
}

void job_hot_fini(struct job_hot *hot)
{
	hot_tree_close(STEAL_PTR(hot->tree));
	hot_record_destroy(STEAL_PTR(hot->touched));
}
