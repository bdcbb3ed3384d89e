/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/instance_start.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "index/index_file.h"
#include "tools/instance_dir.h"
#include "tools/instance_keeper.h"
#include "tools/job.h"
#include "tools/job_options.h"
#include "tools/session.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

#define START_SCRIPT "/.singularity.d/startscript"

enum {
	WORDS_MAX = 24,
	NUMBER_SIZE = 32,
};

/* One that is being started. */
struct starting {
	const struct instance_start_options *options;
	struct instance_keeper_options keeper;
	bool says_root;
	int ready_fd; /* of the parent that waits; -1: none */
};

static int keep_nothing(const struct job_options *options,
			const struct job_image *image, char **arguments,
			const char ***ret_argv, struct error *err)
{
	(void)options;
	(void)image;
	(void)arguments;
	*ret_argv = calloc(1, sizeof(**ret_argv));
	return *ret_argv ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static void add_text(const char **words, size_t *count, const char *name,
		     const char *text)
{
	if (!text)
		return;
	words[(*count)++] = name;
	words[(*count)++] = text;
}

static int say_root(const struct job_kept *kept, struct error *err)
{
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(16 << 20);
	char pid[NUMBER_SIZE];
	int r;

	snprintf(pid, sizeof(pid), "%d", (int)kept->root_pid);
	r = buffer_append(&text, pid, strlen(pid) + 1);
	if (r == 0)
		r = buffer_append(&text, kept->environment,
				  kept->environment_size);
	if (r == 0)
		r = buffer_append(&text, "", 1);
	if (r == 0)
		r = io_write_full(STDOUT_FILENO, text.data, text.size);
	return r < 0 ? error_set_errno(err, r, "cannot say what is there") : 0;
}

/* Tell the waiting parent: code 0 for success, else the sentence too. */
static void report(int fd, const struct error *err)
{
	(void)io_write_full(fd, err, sizeof(*err));
	close(fd);
}

static bool has_start_script(const struct job_kept *kept)
{
	struct index_inode inode;
	uint32_t number;

	return index_file_resolve(session_index(kept->session), START_SCRIPT,
				  true, &number) == 0 &&
	       index_file_get_inode(session_index(kept->session), number,
				    &inode) == 0 &&
	       S_ISREG(inode.mode) && (inode.mode & 0111);
}

/* As any other job of the instance: it may end without ending that. */
static void run_start_script(const struct instance_start_options *options,
			     const struct job_kept *kept, int log_fd)
{
	autofree const char **words = NULL;
	posix_spawn_file_actions_t actions;
	char image[INSTANCE_NAME_SIZE + 16];
	size_t count = 0;
	pid_t pid;

	if (!has_start_script(kept))
		return;
	while (options->arguments[count])
		count++;
	words = calloc(count + 8, sizeof(*words));
	if (!words || posix_spawn_file_actions_init(&actions) != 0)
		return;
	snprintf(image, sizeof(image), "instance://%s", options->name);
	count = 0;
	words[count++] = "lazyrun";
	add_text(words, &count, "--cache-dir", options->job->common.cache_dir);
	words[count++] = "exec";
	words[count++] = image;
	words[count++] = START_SCRIPT;
	for (char **word = options->arguments; *word; word++)
		words[count++] = *word;
	signal(SIGCHLD, SIG_IGN); /* nobody waits for it */
	posix_spawn_file_actions_adddup2(&actions, log_fd, STDOUT_FILENO);
	(void)posix_spawn(&pid, "/proc/self/exe", &actions, NULL,
			  (char *const *)words, environ);
	posix_spawn_file_actions_destroy(&actions);
}

static int be_ready(void *arg, const struct job_kept *kept, int log_fd,
		    struct error *err)
{
	struct starting *starting = arg;

	if (starting->says_root)
		return say_root(kept, err);
	if (starting->ready_fd < 0)
		return 0;
	dup2(log_fd, STDERR_FILENO);
	if (kept->root_fd >= 0)
		run_start_script(starting->options, kept, log_fd);
	report(STEAL_FD(starting->ready_fd), &(struct error){ 0 });
	return 0;
}

static int serve(void *arg, const struct job_kept *kept, struct error *err)
{
	struct starting *starting = arg;

	return instance_keeper_serve(&starting->keeper, kept, err);
}

static int keep(const struct instance_start_options *options,
		struct starting *starting, struct error *err)
{
	const struct job_keeper keeper = {
		.has_root = options->name != NULL,
		.serve = serve,
		.arg = starting,
	};
	const struct job job = {
		.options = options->job,
		.image = options->image,
		.command = "start",
		.choose = keep_nothing,
		.keeper = &keeper,
	};
	char path[PATH_MAX];
	int r = session_format_cache_dir(&options->job->common, path,
					 sizeof(path), err);

	if (r < 0)
		return r;
	starting->keeper.name = options->name;
	starting->keeper.cache_path = path;
	starting->keeper.idle_ms = options->idle_ms;
	starting->keeper.is_exclusive = options->name == NULL;
	starting->keeper.ready = be_ready;
	starting->keeper.arg = starting;
	return job_run(&job, err);
}

int instance_start_here(const struct instance_start_options *options,
			bool says_root, struct error *err)
{
	struct starting starting = {
		.options = options,
		.keeper = { .leader_fd = -1,
			    .lifeline_fd = says_root ? STDIN_FILENO : -1 },
		.says_root = says_root,
		.ready_fd = -1,
	};

	return keep(options, &starting, err);
}

/* -1 where the leader cannot be told, or is who starts it. */
static int open_leader(void)
{
	pid_t leader = getsid(0);

	return leader > 0 && leader != getpid() ? pidfd_open(leader, 0) : -1;
}

/* A daemon keeps neither terminal nor pipes; standard error stays until it is
 * ready. */
static void leave_terminal(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	close(fd);
}

__attribute__((noreturn)) static void be_instance(
	const struct instance_start_options *options, int ready_fd)
{
	struct starting starting = {
		.options = options,
		.keeper = { .leader_fd = -1, .lifeline_fd = -1 },
		.ready_fd = ready_fd,
	};
	struct error err = { 0 };
	int r;

	if (!options->name)
		starting.keeper.leader_fd = open_leader();
	leave_terminal();
	r = keep(options, &starting, &err);
	if (starting.ready_fd >= 0) {
		if (r != 0 && err.code == 0)
			error_set(&err, -EIO, "the instance cannot start");
		report(starting.ready_fd, &err);
	}
	_exit(r != 0);
}

int instance_start_behind(const struct instance_start_options *options,
			  struct error *err)
{
	struct error child_err = { 0 };
	autoclose int read_fd = -1;
	int pipe_fds[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return error_set_errno(err, -errno, "cannot make a pipe");
	read_fd = pipe_fds[0];
	pid = fork();
	if (pid == 0) {
		close(STEAL_FD(read_fd));
		be_instance(options, pipe_fds[1]);
	}
	close(pipe_fds[1]);
	if (pid < 0)
		return error_set_errno(err, -errno, "cannot fork");
	/* An image that is indexed first takes as long as it takes; the end of
	 * the other process ends this. */
	do
		n = read(read_fd, &child_err, sizeof(child_err));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(child_err))
		return error_set(err, -EIO,
				 "the instance ended before it was ready");
	if (err)
		*err = child_err;
	return child_err.code;
}

static int run_anew(char *const *words, struct error *err)
{
	pid_t pid;
	int status = 0;
	int r = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, words, environ);

	if (r != 0)
		return error_set_errno(err, -r, "cannot execute lazyrun again");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(err, -errno, "cannot wait");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(err, -EIO, "no instance could be started");
	return 0;
}

int instance_start_shared(const struct common_options *common,
			  const char *image, uint64_t idle_ms,
			  struct error *err)
{
	const char *words[WORDS_MAX] = { "lazyrun", "instance", "start" };
	char cache_size[NUMBER_SIZE];
	char tag_ttl[NUMBER_SIZE];
	char read_timeout[NUMBER_SIZE];
	char idle[NUMBER_SIZE];
	size_t count = 3;

	snprintf(cache_size, sizeof(cache_size), "%" PRIu64,
		 common->cache_size);
	snprintf(tag_ttl, sizeof(tag_ttl), "%" PRIu64 "ms", common->tag_ttl_ms);
	snprintf(read_timeout, sizeof(read_timeout), "%" PRIu64 "ms",
		 common->read_timeout_ms);
	snprintf(idle, sizeof(idle), "%" PRIu64 "ms", idle_ms);
	add_text(words, &count, "--cache-dir", common->cache_dir);
	add_text(words, &count, "--cache-size",
		 common->cache_size ? cache_size : NULL);
	add_text(words, &count, "--tag-ttl", tag_ttl);
	add_text(words, &count, "--read-timeout",
		 common->read_timeout_ms ? read_timeout : NULL);
	add_text(words, &count, "--platform", common->platform);
	add_text(words, &count, "--index", common->index);
	add_text(words, &count, "--idle", idle);
	if (common->insecure)
		words[count++] = "--insecure";
	if (common->debug)
		words[count++] = "--debug";
	words[count++] = "--quiet";
	words[count++] = image;
	return run_anew((char *const *)words, err);
}
