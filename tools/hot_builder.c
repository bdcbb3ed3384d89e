/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller may have threads, which hold locks that a mere fork would never
 * see released: so the process executes the program anew, and its order
 * travels in words.  It is forked twice, since the caller has no time to wait
 * for more than a fork.
 */
#include "tools/hot_builder.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/chunk_cache.h"
#include "hot/hot_build.h"
#include "hot/hot_folder.h"
#include "hot/hot_gc.h"
#include "hot/hot_record.h"
#include "image/image.h"
#include "index/index_file.h"
#include "tools/command.h"
#include "tools/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	/* Of CPU time; and in all, on a node whose CPUs and disks are busy
	 * with others' work, which goes first. */
	BUILD_CPU_S_MAX = 120,
	BUILD_S_MAX = 1800,
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
	/* Beside the common options: program, command, three options, "--",
	 * image. */
	OWN_WORDS_MAX = 7,
	DELAY_WORD_SIZE = 40,
};

extern char **environ;

/* -- in the caller */

/* Between fork and execve: system calls only. */
__attribute__((noreturn)) static void be_started(const char *const *words,
						 const sigset_t *no_signals)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && null_fd >= 0; fd++)
		dup2(null_fd, fd);
	pthread_sigmask(SIG_SETMASK, no_signals, NULL);
	execve("/proc/self/exe", (char *const *)words, environ);
	_exit(EXIT_FAILED);
}

static int spawn(const char *const *words)
{
	sigset_t no_signals;
	pid_t pid;

	sigemptyset(&no_signals);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (fork() == 0)
			be_started(words, &no_signals);
		_exit(0);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

int hot_builder_start(const struct common_options *options,
		      const struct hot_builder_order *order)
{
	static const struct option *const tables[] = { common_option_table,
						       global_option_table,
						       NULL };
	struct common_options own = *options;
	autofree const char **words = NULL;
	char delay[DELAY_WORD_SIZE];
	char **common = NULL;
	size_t used = 0;
	int r;

	/* what the tag meant for the job, it means here */
	own.tag_ttl_ms = (uint64_t)INT32_MAX * 1000;
	own.quiet = true;
	own.trace = NULL;
	own.json = false;
	r = option_format(tables, &own, &common);
	for (size_t i = 0; r == 0 && common[i]; i++)
		used++;
	if (r == 0)
		words = calloc(used + OWN_WORDS_MAX + 1, sizeof(*words));
	if (words) {
		snprintf(delay, sizeof(delay), "--delay=%llums",
			 (unsigned long long)order->delay_ms);
		words[0] = "lazyrun";
		memcpy(words + 1, common, used * sizeof(*words));
		used++;
		words[used++] = "hot-tree";
		if (order->maps_ids)
			words[used++] = "--maps-ids";
		words[used++] = delay;
		words[used++] = "--";
		words[used++] = order->image;
		r = spawn(words);
	} else {
		r = -ENOMEM;
	}
	option_free_words(common);
	return r;
}

/* -- in the process that builds */

/* Where memory is short, the job is to keep its own. */
static void offer_memory(void)
{
	autoclose int fd =
		open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "1000", 4);
}

static void become_unnoticed(void)
{
	setsid();
	/* it was executed as /proc/self/exe */
	prctl(PR_SET_NAME, "lazyrun-hot");
	/* what the job's caller had open for the job */
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	signal(SIGHUP, SIG_IGN);
	setpriority(PRIO_PROCESS, 0, NICENESS);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		      IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT);
	offer_memory();
}

uint64_t hot_builder_fetch_size_max(struct session *session)
{
	return image_is_local(session_image(session)) ? FETCH_SIZE_MAX : 0;
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

int hot_builder_collect(struct chunk_cache *cache, struct error *err)
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
		.fetch_size_max = hot_builder_fetch_size_max(session),
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

static int build(const struct common_options *options,
		 const struct hot_builder_order *order, struct error *err)
{
	CLEANUP(session_closep) struct session *session = NULL;
	struct hot_folder folder = HOT_FOLDER_INIT;
	int r;

	r = session_open(order->image, options, SESSION_LOADER, &session, err);
	if (r < 0)
		return r;
	/* the image's name was relative to it */
	if (chdir("/") < 0)
		return error_set_errno(err, -errno, "cannot enter /");
	r = hot_folder_open(chunk_cache_dir_fd(session_cache(session)),
			    index_file_manifest_digest(session_index(session)),
			    true, &folder, err);
	if (r < 0)
		return r;
	if (hot_folder_try_builder(&folder) == NODE_LOCK_HELD)
		r = build_locked(session, &folder, order->maps_ids, err);
	hot_folder_close(&folder);
	return r < 0 ? r : hot_builder_collect(session_cache(session), err);
}

static void wait_ms(uint64_t delay_ms)
{
	struct timespec left = {
		.tv_sec = (time_t)(delay_ms / 1000),
		.tv_nsec = (long)(delay_ms % 1000) * 1000000,
	};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

int hot_builder_run(const struct common_options *options,
		    const struct hot_builder_order *order, struct error *err)
{
	const struct rlimit cpu = { BUILD_CPU_S_MAX, BUILD_CPU_S_MAX };

	become_unnoticed();
	wait_ms(order->delay_ms);
	signal(SIGALRM, SIG_DFL);
	alarm(BUILD_S_MAX);
	setrlimit(RLIMIT_CPU, &cpu);
	return build(options, order, err);
}
