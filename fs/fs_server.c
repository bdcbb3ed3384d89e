/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session of libfuse, and the loop that feeds it.
 *
 * Threads: one reader, and further ones (fs_readers.h) while several streams
 * are read at once (fs_streams.h), each in serve(): take a request from the
 * descriptor, which does not block, answer or park it, with nothing at hand
 * look ahead of who reads on and on, and only then sleep on the descriptor and
 * on stop_fd.  Each request wakes all who sleep so, which costs more than a
 * further one gains: it is called by who hardly ever sleeps, and its turn is
 * over when it sleeps more than now and then, or one stream is left.  So one
 * process that reads several files in turn, and waits for each, calls none but
 * to try, ever more rarely.
 *
 * They share one descriptor.  A clone for each (FUSE_DEV_IOC_CLONE) would have
 * to be kept with every parked request, which libfuse has no call for: the
 * kernel takes an answer only where it gave the request out.
 *
 * Nobody ever reads stop_fd, so once written it wakes every reader, the later
 * ones too.  is_stopping is set first (release) and read (acquire) between
 * requests, so that a busy reader ends as well.
 */
#include "fs/fs_server.h"

#include "common/error.h"
#include "common/thread.h"
#include "fetch/chunk_loader.h"
#include "fs/fs_context.h"
#include "fs/fs_mount.h"
#include "fs/fs_ops.h"
#include "fs/fs_readers.h"
#include "fs/fs_xattr.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

enum {
	TURN_PAUSE_MAX_MS = 5,
	/* A reader's load: what he answers adds to it, a sleep takes away. */
	LOAD_MAX = 32,
	LOAD_OF_SLEEP = 8,
	/* After a turn that was over sooner for want of load the next is called
	 * so many requests later, each time twice as many. */
	TURN_WORTH = 1024,
	REST_MIN = 512,
	REST_MAX = 1 << 16,
};

struct turn {
	bool is_further;
	int load; /* at LOAD_MAX others are called, below 0 it is over */
	uint64_t answered;
};

struct fs_server {
	struct fs_context ctx;
	struct fuse_session *session; /* NULL until attached */
	char *dir;		      /* what we mounted on, else NULL */
	int stop_fd;		      /* eventfd */
	bool is_stopping;	      /* atomic, set once */
	struct fs_readers further;
	/* Atomic, relaxed: a call more or less does not matter. */
	uint64_t rest;	  /* requests without a call after the next poor turn */
	uint64_t call_at; /* the request from which on calls are made */
};

static fs_readers_turn_fn serve_turn;

/* libfuse's own complaints; it has no more than the text to say. */
static void log_libfuse(enum fuse_log_level level, const char *fmt,
			va_list args) __attribute__((format(printf, 2, 0)));

static void log_libfuse(enum fuse_log_level level, const char *fmt,
			va_list args)
{
	struct error err = { 0 };

	error_setv(&err, -EIO, fmt, args);
	for (char *p = err.text; *p; p++)
		if (*p == '"' || *p == '\\')
			*p = '?';
	log_event(level <= FUSE_LOG_WARNING ? LOG_WARN : LOG_DEBUG, "fs",
		  "op=libfuse text=\"%s\"", err.text);
}

/* Readers beside the first: one for each processor that may run them. */
static unsigned count_further(const struct fs_server_options *options)
{
	unsigned threads = options->threads;
	cpu_set_t cores;

	if (threads == 0) /* of more than a cpu_set_t has it fails: many */
		threads = sched_getaffinity(0, sizeof(cores), &cores) == 0
				  ? (unsigned)CPU_COUNT(&cores)
				  : FS_SERVER_THREADS_MAX;
	if (threads > FS_SERVER_THREADS_MAX)
		threads = FS_SERVER_THREADS_MAX;
	return threads - 1;
}

int fs_server_create(const struct index_file *index,
		     struct chunk_loader *loader,
		     const struct fs_server_options *options,
		     struct fs_server **ret, struct error *err)
{
	struct fs_server *server = calloc(1, sizeof(*server));

	assert(options->native_count <= FS_SERVER_NATIVE_FILES_MAX);
	if (server)
		server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!server || server->stop_fd < 0) {
		free(server);
		return error_set(err, -ENOMEM,
				 "no memory for the filesystem server");
	}
	server->ctx.index = index;
	server->ctx.loader = loader;
	server->ctx.options = *options;
	server->ctx.has_xattrs = fs_xattr_exist(options, index);
	fs_park_init(&server->ctx.park);
	fs_passthrough_init(&server->ctx.passthrough);
	fs_streams_init(&server->ctx.streams);
	fs_readers_init(&server->further, count_further(options), serve_turn,
			server);
	fuse_set_log_func(log_libfuse);
	*ret = server;
	return 0;
}

void fs_server_destroy(struct fs_server *server)
{
	if (!server)
		return;
	fs_park_fini(&server->ctx.park);
	fs_passthrough_fini(&server->ctx.passthrough);
	if (server->dir)
		fs_mount_close(server->dir, fuse_session_fd(server->session));
	if (server->session)
		fuse_session_destroy(server->session);
	fs_readers_fini(&server->further);
	fs_streams_fini(&server->ctx.streams);
	close(server->stop_fd);
	free(server->dir);
	free(server);
}

/* Return: 0, or not. */
static int adopt(struct fs_server *server, int fuse_fd)
{
	char path[32];

	server->ctx.fuse_fd = fuse_fd;
	if (server->ctx.options.native_count > 0)
		return fs_passthrough_attach(server->session, fuse_fd);
	/* a name that makes libfuse adopt the descriptor, mounted already */
	snprintf(path, sizeof(path), "/dev/fd/%d", fuse_fd);
	return fuse_session_mount(server->session, path);
}

int fs_server_attach(struct fs_server *server, int fuse_fd, struct error *err)
{
	char name[] = "lazyrun";
	char *argv[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	int flags = fcntl(fuse_fd, F_GETFL);

	assert(!server->session);
	if (flags < 0 || fcntl(fuse_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_set_errno(err, -EIO,
				       "not a descriptor of /dev/fuse");
	server->session = fuse_session_new(
		&args, fs_ops_table(), sizeof(*fs_ops_table()), &server->ctx);
	fuse_opt_free_args(&args); /* libfuse made them its own */
	if (!server->session)
		return error_set(err, -ENOMEM, "no memory for a FUSE session");
	if (adopt(server, fuse_fd) != 0) {
		fuse_session_destroy(server->session);
		server->session = NULL;
		return error_set(err, -EIO,
				 "libfuse does not take descriptor %d",
				 fuse_fd);
	}
	return 0;
}

int fs_server_mount(struct fs_server *server, const char *dir,
		    struct error *err)
{
	/* absolute: the caller may change its directory before the end, and
	 * before the mount, whose root would not be answered yet */
	autofree char *absolute = realpath(dir, NULL);
	int fd;
	int r;

	r = fs_mount_open(absolute ? absolute : dir, &fd, err);
	if (r < 0)
		return r;
	r = absolute ? fs_server_attach(server, fd, err)
		     : error_set(err, -ENOMEM, "no memory for a mount");
	if (r < 0) {
		fs_mount_close(dir, fd);
		close(fd);
		return r;
	}
	server->dir = STEAL_PTR(absolute);
	return 0;
}

static bool is_stopping(const struct fs_server *server)
{
	return __atomic_load_n(&server->is_stopping, __ATOMIC_ACQUIRE);
}

static bool has_streams(const struct fs_server *server)
{
	return __atomic_load_n(&server->ctx.stream_count, __ATOMIC_RELAXED) > 1;
}

/* Nothing is at hand: whether to look again. */
static bool wait_for_request(struct fs_server *server, struct turn *turn)
{
	struct pollfd fds[] = {
		{ .fd = fuse_session_fd(server->session), .events = POLLIN },
		{ .fd = server->stop_fd, .events = POLLIN },
	};

	if (chunk_loader_look_ahead(server->ctx.loader))
		return true;
	turn->load -= LOAD_OF_SLEEP;
	if (turn->is_further && (turn->load < 0 || !has_streams(server)))
		return false;
	if (turn->load < 0)
		turn->load = 0;
	if (poll(fds, 2, turn->is_further ? TURN_PAUSE_MAX_MS : -1) == 0)
		return false;
	return !fds[1].revents;
}

/* Turns that were not worth it make those after them rarer. */
static void judge(struct fs_server *server, const struct turn *turn)
{
	uint64_t rest = __atomic_load_n(&server->rest, __ATOMIC_RELAXED);

	if (turn->answered >= TURN_WORTH) {
		rest = 0;
	} else if (turn->load < 0) {
		rest = rest < REST_MIN ? REST_MIN : rest * 2;
		if (rest > REST_MAX)
			rest = REST_MAX;
		__atomic_store_n(&server->call_at,
				 __atomic_load_n(&server->ctx.counters.requests,
						 __ATOMIC_RELAXED) +
					 rest,
				 __ATOMIC_RELAXED);
	}
	__atomic_store_n(&server->rest, rest, __ATOMIC_RELAXED);
}

/* Whoever is hardly ever asleep calls others, for several streams. */
static void call_others(struct fs_server *server)
{
	unsigned streams =
		__atomic_load_n(&server->ctx.stream_count, __ATOMIC_RELAXED);

	if (streams > 1 &&
	    __atomic_load_n(&server->ctx.counters.requests, __ATOMIC_RELAXED) >=
		    __atomic_load_n(&server->call_at, __ATOMIC_RELAXED))
		fs_readers_call(&server->further, streams - 1);
}

static void answer(struct fs_server *server, const struct fuse_buf *buf,
		   struct turn *turn)
{
	fs_context_count(&server->ctx.counters.requests, 1);
	if (turn->is_further)
		fs_context_count(&server->ctx.counters.shared, 1);
	fuse_session_process_buf(server->session, buf);
	turn->answered++;
	if (turn->load < LOAD_MAX)
		turn->load++;
	if (turn->load == LOAD_MAX)
		call_others(server);
}

/* One reader.  Return: 0 at the end, or the session's negative errno. */
static int serve(struct fs_server *server, struct turn *turn)
{
	struct fuse_buf buf = { 0 };
	int r = 0;

	while (!is_stopping(server) && !fuse_session_exited(server->session)) {
		r = fuse_session_receive_buf(server->session, &buf);
		if (r == -EAGAIN || r == -EINTR) {
			r = 0;
			if (!wait_for_request(server, turn))
				break;
			continue;
		}
		if (r <= 0)
			break;
		answer(server, &buf, turn);
		r = 0;
	}
	free(buf.mem);
	return r;
}

/* An end or an error is the first reader's to see, too. */
static void serve_turn(void *arg)
{
	struct turn turn = { .is_further = true, .load = LOAD_MAX / 2 };

	(void)serve(arg, &turn);
	judge(arg, &turn);
}

int fs_server_run(struct fs_server *server, struct error *err)
{
	struct turn turn = { 0 };
	int r;

	assert(server->session);
	r = serve(server, &turn);
	fs_server_stop(server);
	fs_readers_stop(&server->further);
	if (r < 0)
		return error_set_errno(err, r, "the FUSE connection failed");
	return 0;
}

void fs_server_stop(struct fs_server *server)
{
	uint64_t one = 1;

	__atomic_store_n(&server->is_stopping, true, __ATOMIC_RELEASE);
	/* full only when written before, which is as good */
	if (write(server->stop_fd, &one, sizeof(one)) < 0)
		return;
}

void fs_server_get_counters(struct fs_server *server,
			    struct fs_server_counters *ret)
{
	struct fs_server_counters *now = &server->ctx.counters;

	ret->requests = __atomic_load_n(&now->requests, __ATOMIC_RELAXED);
	ret->lookups = __atomic_load_n(&now->lookups, __ATOMIC_RELAXED);
	ret->reads = __atomic_load_n(&now->reads, __ATOMIC_RELAXED);
	ret->read_bytes = __atomic_load_n(&now->read_bytes, __ATOMIC_RELAXED);
	ret->shared = __atomic_load_n(&now->shared, __ATOMIC_RELAXED);
	ret->parked = __atomic_load_n(&now->parked, __ATOMIC_RELAXED);
	ret->failed = __atomic_load_n(&now->failed, __ATOMIC_RELAXED);
	ret->passthrough_opens =
		__atomic_load_n(&now->passthrough_opens, __ATOMIC_RELAXED);
}
