/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One poll() over everything that can happen. A peer is a connection: of one
 * who asks and hangs up, or of a job that stays.
 */
#include "tools/instance_keeper.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/log.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_loader.h"
#include "fs/fs_server.h"
#include "image/image.h"
#include "run/run_guard.h"
#include "tools/instance_ahead.h"
#include "tools/instance_dir.h"
#include "tools/instance_message.h"
#include "tools/job.h"
#include "tools/root_list.h"
#include "tools/session.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>

enum {
	PEERS_MAX = 4096,
	STOP_GRACE_MS = 10000, /* after SIGTERM */
};

/* What is polled beside the peers, in this order. */
enum { LISTEN, SIGNALS, LEADER, LIFELINE, ROOT, FIXED_COUNT };

struct peer {
	int socket;
	pid_t pid;
	bool is_job; /* it has joined */
	bool has_said_farewell;
	bool is_recorded;    /* its command is, when it has been alone */
	int mark_fd;	     /* of its job (run_guard.h), and with it the job's
				mounts; -1: none */
	int64_t deadline_ms; /* of one that has not asked yet */
	struct digest root_key; /* of its job's root; zero: none */
};

struct keeper {
	const struct instance_keeper_options *options;
	const struct job_kept *kept;
	struct instance_entry entry;
	int dir_fd;
	int fixed[FIXED_COUNT]; /* descriptors; -1: none */
	struct peer *peers;
	struct pollfd *pollfds; /* FIXED_COUNT, then as peers */
	size_t peer_count;
	size_t job_count;
	struct root_list roots;
	struct instance_ahead ahead;
	char text[INSTANCE_MESSAGE_TEXT_MAX + 1]; /* of the last request */
	int64_t started_s;
	int64_t idle_since_ms;
	int64_t stop_ms; /* when what still runs is left; 0: not stopping */
	bool has_ended;
};

/* A job whose caller was killed has nobody else who sees to what it started. */
static void close_peer(const struct keeper *keeper, struct peer *peer)
{
	close(peer->socket);
	if (peer->mark_fd < 0)
		return;
	run_guard_drop(keeper->kept->guard, (uint32_t)peer->socket);
	if (!peer->has_said_farewell)
		run_guard_kill(peer->mark_fd);
	close(peer->mark_fd); /* unmounts what only this job had */
}

static void drop_peer(struct keeper *keeper, size_t number)
{
	struct peer *peer = &keeper->peers[number];

	close_peer(keeper, peer);
	if (peer->is_recorded && peer->has_said_farewell)
		instance_ahead_record(&keeper->ahead);
	if (peer->is_job && --keeper->job_count == 0)
		keeper->idle_since_ms = clock_ms();
	*peer = keeper->peers[--keeper->peer_count];
}

static void accept_peers(struct keeper *keeper)
{
	for (;;) {
		struct ucred cred;
		socklen_t size = sizeof(cred);
		autoclose int socket =
			accept4(keeper->fixed[LISTEN], NULL, NULL,
				SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (socket < 0)
			return;
		if (keeper->peer_count >= PEERS_MAX ||
		    getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &cred, &size) <
			    0 ||
		    cred.uid != geteuid())
			continue;
		keeper->peers[keeper->peer_count++] = (struct peer){
			.socket = STEAL_FD(socket),
			.pid = cred.pid,
			.mark_fd = -1,
			.deadline_ms = clock_ms() + INSTANCE_MESSAGE_TIMEOUT_MS,
		};
	}
}

/* Jobs get @signal at once, and @grace_ms later they lose their files. */
static void begin_stop(struct keeper *keeper, int32_t signal, int64_t grace_ms)
{
	int64_t stop_ms = clock_ms() + grace_ms;

	if (keeper->fixed[LISTEN] >= 0) {
		instance_dir_remove(keeper->dir_fd, &keeper->entry, false);
		close(STEAL_FD(keeper->fixed[LISTEN]));
	}
	if (keeper->stop_ms == 0 || stop_ms < keeper->stop_ms)
		keeper->stop_ms = stop_ms;
	for (size_t i = 0; signal > 0 && i < keeper->peer_count; i++)
		if (keeper->peers[i].is_job)
			(void)instance_message_send(keeper->peers[i].socket,
						    &signal, sizeof(signal),
						    NULL, 0, -1);
}

static json_t *list_jobs(const struct keeper *keeper)
{
	json_t *jobs = json_array();

	for (size_t i = 0; i < keeper->peer_count; i++)
		if (keeper->peers[i].is_job)
			json_array_append_new(
				jobs, json_integer(keeper->peers[i].pid));
	return jobs;
}

static char *tell(const struct keeper *keeper)
{
	struct session *session = keeper->kept->session;
	const struct image *image = session_image(session);
	struct chunk_loader_counters loader;
	struct fs_server_counters fs;
	char digest[DIGEST_TEXT_SIZE];
	char log[PATH_MAX];
	int64_t idle_ms =
		keeper->job_count ? 0 : clock_ms() - keeper->idle_since_ms;
	json_t *json;
	char *text;

	chunk_loader_get_counters(session_loader(session), &loader);
	fs_server_get_counters(keeper->kept->server, &fs);
	digest_format(image_manifest_digest(image), digest);
	instance_dir_format_log(keeper->options->cache_path, &keeper->entry,
				log, sizeof(log));
	json = json_pack(
		"{s:s, s:b, s:i, s:i, s:s, s:s, s:I, s:I, s:I, s:I,"
		" s:I, s:s, s:o}",
		"name", keeper->entry.name, "has_root",
		keeper->kept->root_fd >= 0, "pid", (int)getpid(), "root_pid",
		(int)keeper->kept->root_pid, "image", image_reference(image),
		"digest", digest, "started", (json_int_t)keeper->started_s,
		"idle_ms", (json_int_t)idle_ms, "idle_limit_ms",
		(json_int_t)keeper->options->idle_ms, "bytes_fetched",
		(json_int_t)loader.fetched_bytes, "fuse_requests",
		(json_int_t)fs.requests, "log", log, "jobs", list_jobs(keeper));
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

/* What a job is to join: a root that is ready for it, or the mount. */
static int choose_image(struct keeper *keeper, struct peer *peer,
			const struct instance_request *request, bool *ret_ready)
{
	int fd = -1;

	peer->root_key = request->root_key;
	if (!digest_is_zero(&request->root_key))
		fd = root_list_find(&keeper->roots, &request->root_key);
	*ret_ready = fd >= 0;
	return fd >= 0 ? fd : keeper->kept->image_fd;
}

/* From now on nobody is alone that another job is there with. */
static void become_job(struct keeper *keeper, struct peer *peer)
{
	for (size_t i = 0; i < keeper->peer_count; i++)
		keeper->peers[i].is_recorded = false;
	peer->is_job = true;
	keeper->job_count++;
}

/* Return: 0; negative errno: this peer is to be dropped. */
static int answer(struct keeper *keeper, struct peer *peer,
		  const struct instance_request *request)
{
	const struct job_kept *kept = keeper->kept;
	struct instance_answer head = {
		.magic = INSTANCE_MESSAGE_MAGIC,
		.has_pid_namespace = kept->has_pid_namespace,
		.has_ipc_namespace = kept->has_ipc_namespace,
	};
	autofree char *text = NULL;
	bool is_ready = false;
	int fd = -1;

	if (request->verb == INSTANCE_JOIN_IMAGE)
		fd = choose_image(keeper, peer, request, &is_ready);
	else if (request->verb == INSTANCE_JOIN_ROOT)
		fd = kept->root_fd;
	else if (request->verb == INSTANCE_TELL)
		text = tell(keeper);
	else if (request->verb == INSTANCE_STOP)
		begin_stop(keeper, request->signal, request->grace_ms);
	else
		return -EPROTO;
	head.is_ready = is_ready;
	if (request->verb == INSTANCE_JOIN_ROOT && fd < 0)
		head.code = -ENOTSUP;
	if (text && strlen(text) > INSTANCE_MESSAGE_TEXT_MAX)
		head.code = -EFBIG;
	else if (text)
		head.text_size = (uint32_t)strlen(text);
	if (!peer->is_job && fd >= 0)
		become_job(keeper, peer);
	return instance_message_send(peer->socket, &head, sizeof(head), text,
				     head.text_size, fd);
}

/* Takes @fd over where it is wanted.  Return: as answer() */
static int follow(struct keeper *keeper, struct peer *peer,
		  const struct instance_request *request, int *fd)
{
	if (request->verb == INSTANCE_FAREWELL) {
		peer->has_said_farewell = true;
		return 0;
	}
	if (request->verb == INSTANCE_COMMAND) {
		if (!peer->is_job)
			return -EPROTO;
		peer->is_recorded =
			instance_ahead_play(&keeper->ahead, keeper->text,
					    request->text_size,
					    request->flags) &&
			keeper->job_count == 1;
		return 0;
	}
	if (request->verb != INSTANCE_MARK && request->verb != INSTANCE_OFFER)
		return answer(keeper, peer, request);
	if (!peer->is_job || *fd < 0)
		return -EPROTO;
	if (request->verb == INSTANCE_MARK && peer->mark_fd < 0) {
		peer->mark_fd = STEAL_FD(*fd);
		run_guard_add(keeper->kept->guard, (uint32_t)peer->socket,
			      peer->mark_fd);
	} else if (request->verb == INSTANCE_OFFER &&
		   !digest_is_zero(&peer->root_key))
		root_list_add(&keeper->roots, &peer->root_key, STEAL_FD(*fd));
	else
		return -EPROTO;
	return 0;
}

static void serve_peers(struct keeper *keeper)
{
	int64_t now_ms = clock_ms();

	/* From the end: the last one takes the place of one that goes. */
	for (size_t i = keeper->peer_count; i-- > 0;) {
		struct peer *peer = &keeper->peers[i];
		struct instance_request request;
		autoclose int fd = -1;
		int r = -EAGAIN;

		if (keeper->pollfds[FIXED_COUNT + i].revents)
			r = instance_message_take(peer->socket, &request,
						  keeper->text, &fd);
		if (r == 0) {
			r = follow(keeper, peer, &request, &fd);
			peer->deadline_ms =
				now_ms + INSTANCE_MESSAGE_TIMEOUT_MS;
		} else if (r == -EAGAIN && (peer->is_job || keeper->stop_ms ||
					    now_ms < peer->deadline_ms)) {
			r = 0;
		}
		if (r < 0)
			drop_peer(keeper, i);
	}
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

/* How long nothing has to be done by itself; -1: for ever. */
static int get_timeout_ms(const struct keeper *keeper)
{
	int64_t due_ms = INT64_MAX;
	int64_t now_ms = clock_ms();

	if (keeper->stop_ms)
		due_ms = keeper->stop_ms;
	if (keeper->options->idle_ms && keeper->job_count == 0)
		due_ms = earlier(due_ms,
				 keeper->idle_since_ms +
					 (int64_t)keeper->options->idle_ms);
	for (size_t i = 0; i < keeper->peer_count; i++)
		if (!keeper->peers[i].is_job)
			due_ms = earlier(due_ms, keeper->peers[i].deadline_ms);
	if (due_ms == INT64_MAX)
		return -1;
	due_ms -= now_ms;
	if (due_ms < 0)
		return 0;
	return due_ms < INT_MAX ? (int)due_ms + 1 : INT_MAX;
}

static void check_end(struct keeper *keeper)
{
	int64_t now_ms = clock_ms();

	if (keeper->stop_ms &&
	    (keeper->job_count == 0 || now_ms >= keeper->stop_ms))
		keeper->has_ended = true;
	if (keeper->options->idle_ms && keeper->job_count == 0 &&
	    now_ms - keeper->idle_since_ms >= (int64_t)keeper->options->idle_ms)
		keeper->has_ended = true;
}

static void take_signal(struct keeper *keeper)
{
	struct signalfd_siginfo info;

	if (read(keeper->fixed[SIGNALS], &info, sizeof(info)) == sizeof(info))
		begin_stop(keeper, SIGTERM, STOP_GRACE_MS);
}

static void poll_once(struct keeper *keeper)
{
	struct pollfd *pollfds = keeper->pollfds;

	for (size_t i = 0; i < FIXED_COUNT; i++)
		pollfds[i] = (struct pollfd){ .fd = keeper->fixed[i],
					      .events = POLLIN };
	if (keeper->peer_count >= PEERS_MAX)
		pollfds[LISTEN].fd = -1;
	for (size_t i = 0; i < keeper->peer_count; i++)
		pollfds[FIXED_COUNT + i] = (struct pollfd){
			.fd = keeper->peers[i].socket,
			.events = POLLIN,
		};
	if (poll(pollfds, FIXED_COUNT + keeper->peer_count,
		 get_timeout_ms(keeper)) < 0)
		return;
	serve_peers(keeper);
	if (pollfds[SIGNALS].revents)
		take_signal(keeper);
	if (pollfds[LEADER].revents) { /* nobody is left to be quick for */
		keeper->fixed[LEADER] = -1;
		begin_stop(keeper, 0, INT_MAX);
	}
	if (pollfds[LIFELINE].revents || pollfds[ROOT].revents)
		keeper->has_ended = true;
	if (pollfds[LISTEN].revents && keeper->fixed[LISTEN] >= 0)
		accept_peers(keeper);
	check_end(keeper);
}

/* SIGTERM that the caller ignores (nohup, a batch system's) stays ignored. */
static int open_signals(void)
{
	static const int ending[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction action;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		if (sigaction(ending[i], NULL, &action) == 0 &&
		    action.sa_handler != SIG_IGN)
			sigaddset(&set, ending[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int publish(struct keeper *keeper, struct error *err)
{
	const struct instance_keeper_options *options = keeper->options;
	struct session *session = keeper->kept->session;
	int cache_fd = chunk_cache_dir_fd(session_cache(session));
	int r;

	r = instance_key_format(image_manifest_digest(session_image(session)),
				keeper->entry.key, err);
	if (r < 0)
		return r;
	if (options->name)
		snprintf(keeper->entry.name, sizeof(keeper->entry.name), "%s",
			 options->name);
	else
		snprintf(keeper->entry.name, sizeof(keeper->entry.name),
			 "shared-%d", (int)getpid());
	keeper->dir_fd = instance_dir_open(cache_fd, err);
	if (keeper->dir_fd < 0)
		return keeper->dir_fd;
	keeper->fixed[SIGNALS] = open_signals();
	if (keeper->fixed[SIGNALS] < 0)
		return error_set_errno(err, keeper->fixed[SIGNALS],
				       "cannot watch for signals");
	r = instance_dir_publish(keeper->dir_fd, &keeper->entry,
				 options->is_exclusive, err);
	if (r >= 0)
		keeper->fixed[LISTEN] = r;
	return r < 0 ? r : 0;
}

static int announce(struct keeper *keeper, struct error *err)
{
	autoclose int log_fd =
		instance_dir_open_log(keeper->dir_fd, &keeper->entry);

	if (log_fd < 0)
		return error_set_errno(err, log_fd,
				       "cannot make the instance's log");
	return keeper->options->ready(keeper->options->arg, keeper->kept,
				      log_fd, err);
}

static void keeper_fini(struct keeper *keeper)
{
	if (keeper->fixed[LISTEN] >= 0) {
		instance_dir_remove(keeper->dir_fd, &keeper->entry, false);
		close(keeper->fixed[LISTEN]);
	}
	if (keeper->fixed[SIGNALS] >= 0)
		close(keeper->fixed[SIGNALS]);
	for (size_t i = 0; i < keeper->peer_count; i++) {
		keeper->peers[i].has_said_farewell = true; /* callers kill */
		close_peer(keeper, &keeper->peers[i]);
	}
	root_list_fini(&keeper->roots);
	instance_ahead_fini(&keeper->ahead);
	if (keeper->dir_fd >= 0)
		close(keeper->dir_fd);
	free(keeper->peers);
	free(keeper->pollfds);
}

int instance_keeper_serve(const struct instance_keeper_options *options,
			  const struct job_kept *kept, struct error *err)
{
	struct keeper keeper = {
		.options = options,
		.kept = kept,
		.ahead = { .session = kept->session, .hints = kept->hints },
		.dir_fd = -1,
		.fixed = { -1, -1, options->leader_fd, options->lifeline_fd,
			   kept->root_fd },
		.started_s = clock_wall_s(),
		.idle_since_ms = clock_ms(),
	};
	int r = 0;

	keeper.peers = calloc(PEERS_MAX, sizeof(*keeper.peers));
	keeper.pollfds =
		calloc(PEERS_MAX + FIXED_COUNT, sizeof(*keeper.pollfds));
	if (!keeper.peers || !keeper.pollfds)
		r = error_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = publish(&keeper, err);
	if (r == 0)
		r = announce(&keeper, err);
	prctl(PR_SET_NAME, "lazyrun-keep");
	while (r == 0 && !keeper.has_ended)
		poll_once(&keeper);
	log_event(LOG_INFO, "tools", "op=instance name=%s text=\"ended\"",
		  keeper.entry.name);
	keeper_fini(&keeper);
	return r;
}
