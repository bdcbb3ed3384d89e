/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount: an image on a directory, until it is unmounted.
 *
 * In the background by default: the process that serves is forked before any
 * thread exists and says through a pipe when the tree is ready or why not.
 */
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "fs/fs_server.h"
#include "tools/command.h"
#include "tools/job_hints.h"
#include "tools/mount_hot.h"
#include "tools/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct mount_options {
	struct common_options common;
	bool foreground;
	const char *hints;    /* "auto" (or NULL) or "off" */
	const char *hot_tree; /* the same */
};

static const struct option mount_option_table[] = {
	{ "foreground", 'f', OPTION_FLAG, NULL,
	  "stay until unmounted, SIGTERM or SIGINT", NULL,
	  offsetof(struct mount_options, foreground) },
	{ "hints", 0, OPTION_TEXT, "auto|off",
	  "fetch ahead what the index says that files need", "LAZYRUN_HINTS",
	  offsetof(struct mount_options, hints) },
	{ "hot-tree", 0, OPTION_TEXT, "auto|off",
	  "as root, keep large files as native ones, read by the kernel [auto]",
	  "LAZYRUN_HOT_TREE", offsetof(struct mount_options, hot_tree) },
	{ 0 },
};

/* For the signal handler alone, which runs on the main thread. */
static struct fs_server *volatile stoppable_server;

static void stop_server(int signal_number)
{
	(void)signal_number;
	if (stoppable_server)
		fs_server_stop(stoppable_server);
}

static void install_stop_signals(struct fs_server *server)
{
	struct sigaction action = { .sa_handler = stop_server };

	stoppable_server = server;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/* Tell the waiting parent: code 0 for success, else the sentence too. */
static void report_ready(int ready_fd, const struct error *err)
{
	if (ready_fd < 0)
		return;
	io_write_full(ready_fd, err, sizeof(*err));
	close(ready_fd);
}

/* A daemon keeps no terminal; its standard error becomes /dev/null. */
static void leave_terminal(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

/* What a read tells. */
struct readers {
	struct job_hints *hints;
	struct mount_hot hot;
};

/* fs_server.h's read_observed. */
static void observe_read(void *arg, uint32_t inode, uint64_t off, uint64_t size)
{
	struct readers *readers = arg;

	(void)off;
	(void)size;
	job_hints_observe(readers->hints, inode);
	mount_hot_observe(&readers->hot, inode);
}

static void readers_fini(struct readers *readers)
{
	job_hints_destroy(readers->hints);
	mount_hot_fini(&readers->hot);
}

static int start_server(struct session *session, struct readers *readers,
			const char *directory, struct fs_server **ret,
			struct error *err)
{
	CLEANUP(fs_server_destroyp) struct fs_server *server = NULL;
	const struct fs_server_options fs_options = {
		.read_observed = observe_read,
		.arg = readers,
		.map_ids = geteuid() != 0,
		.uid = (uint32_t)geteuid(),
		.gid = (uint32_t)getegid(),
		.native_files = readers->hot.files,
		.native_count = readers->hot.count,
	};
	int r;

	r = fs_server_create(session_index(session), session_loader(session),
			     &fs_options, &server, err);
	if (r == 0)
		r = fs_server_mount(server, directory, err);
	if (r == 0)
		*ret = STEAL_PTR(server);
	return r;
}

static int serve_mount(const struct mount_options *options, const char *image,
		       const char *directory, int ready_fd, struct error *err)
{
	CLEANUP(session_closep) struct session *session = NULL;
	CLEANUP(readers_fini) struct readers readers = { 0 };
	CLEANUP(fs_server_destroyp) struct fs_server *server = NULL;
	int r = job_hot_set_mode(&readers.hot.hot, options->hot_tree, err);

	if (r == 0)
		r = session_open(image, &options->common, SESSION_LOADER,
				 &session, err);
	if (r == 0) {
		mount_hot_open(&readers.hot, session);
		r = start_server(session, &readers, directory, &server, err);
	}
	if (r < 0) {
		report_ready(ready_fd, err);
		return r;
	}
	readers.hints = job_hints_start(session, options->hints, NULL);
	install_stop_signals(server);
	if (ready_fd >= 0) {
		leave_terminal();
		report_ready(ready_fd, &(struct error){ 0 });
	}
	mount_hot_build_beside(&readers.hot, &options->common, image);
	r = fs_server_run(server, err);
	stoppable_server = NULL;
	fs_server_destroy(STEAL_PTR(server)); /* reads no native file now */
	mount_hot_end(&readers.hot, session, &options->common, image);
	return r;
}

static int mount_in_background(const struct mount_options *options,
			       const char *image, const char *directory,
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
	if (pid < 0) {
		close(pipe_fds[1]);
		return error_set_errno(err, -errno, "cannot fork");
	}
	if (pid == 0) {
		setsid();
		_exit(serve_mount(options, image, directory, pipe_fds[1],
				  &child_err) < 0);
	}
	close(pipe_fds[1]);
	do
		n = read(read_fd, &child_err, sizeof(child_err));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(child_err))
		return error_set(err, -EIO,
				 "the server ended before the mount was ready");
	*err = child_err;
	return child_err.code;
}

static int mount_main(void *values, char **operands, int count,
		      struct error *err)
{
	const struct mount_options *options = values;
	struct job_hot mode = { 0 };
	struct error wrong = { 0 };

	(void)count;
	if (job_hot_set_mode(&mode, options->hot_tree, &wrong) < 0)
		return command_usage_error(err, "%s", wrong.text);
	if (options->foreground)
		return serve_mount(options, operands[0], operands[1], -1, err);
	return mount_in_background(options, operands[0], operands[1], err);
}

const struct command cmd_mount = {
	.name = "mount",
	.operands = "IMAGE DIR",
	.summary = "mount an image on a directory",
	.details = "Returns when the tree is ready; `lazyrun umount DIR` ends "
		   "it.  As an ordinary user\nthis needs fusermount3; exec, "
		   "run and shell do not.",
	.options = mount_option_table,
	.values_size = sizeof(struct mount_options),
	.operands_min = 2,
	.operands_max = 2,
	.failure_status = EXIT_FAILED,
	.main = mount_main,
};
