/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/instance_link.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "tools/instance_message.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
	END_TIMEOUT_MS = 5000, /* beyond the grace that jobs are given */
};

static enum run_join kind_of(enum instance_verb verb,
			     const struct instance_answer *answer)
{
	if (verb == INSTANCE_JOIN_ROOT)
		return RUN_JOIN_ROOT;
	return answer->is_ready ? RUN_JOIN_READY : RUN_JOIN_IMAGE;
}

static int join(int dir_fd, const struct instance_entry *entry,
		enum instance_verb verb, const struct digest *root_key,
		struct instance_link *ret)
{
	struct instance_request request = {
		.magic = INSTANCE_MESSAGE_MAGIC,
		.verb = verb,
	};
	struct instance_answer answer;
	autoclose int socket = instance_dir_connect(dir_fd, entry);
	autoclose int fd = -1;
	int r = socket;

	if (root_key)
		request.root_key = *root_key;
	if (r >= 0)
		r = instance_message_ask(socket, &request, &answer, &fd, NULL);
	if (r == 0 && fd < 0)
		r = -EPROTO;
	if (r < 0)
		return r;
	*ret = (struct instance_link){
		.socket = STEAL_FD(socket),
		.target = {
			.kind = kind_of(verb, &answer),
			.fd = STEAL_FD(fd),
			.offers_root = root_key && !answer.is_ready,
			.has_pid_namespace = answer.has_pid_namespace,
			.has_ipc_namespace = answer.has_ipc_namespace,
		},
	};
	snprintf(ret->name, sizeof(ret->name), "%s", entry->name);
	return 0;
}

int instance_link_find(int dir_fd, const char *key,
		       const struct digest *root_key, struct instance_link *ret)
{
	autofree struct instance_entry *entries = NULL;
	int count = instance_dir_list(dir_fd, &entries);

	for (int i = 0; i < count; i++)
		if (strcmp(entries[i].key, key) == 0 &&
		    join(dir_fd, &entries[i], INSTANCE_JOIN_IMAGE, root_key,
			 ret) == 0)
			return 0;
	return -ENOENT;
}

static int say_no_instance(const char *name, int code, struct error *err)
{
	if (code == -ENOENT || code == -ECONNREFUSED)
		return error_set(err, -ENOENT,
				 "there is no instance \"%s\" on this node: "
				 "`lazyrun instance list` shows those there "
				 "are",
				 name);
	if (code == -ENOTSUP)
		return error_set(err, code,
				 "%s keeps a mount but no root to run in: "
				 "execute in its image instead",
				 name);
	if (code == -EPROTO || code == -ECONNRESET)
		return error_set(err, -EPROTO,
				 "the instance %s is of another version of "
				 "lazyrun: stop it and start it again",
				 name);
	return error_set_errno(err, code, "the instance %s does not answer",
			       name);
}

int instance_link_open(int dir_fd, const char *name, struct instance_link *ret,
		       struct error *err)
{
	autofree struct instance_entry *entries = NULL;
	int count = instance_dir_list(dir_fd, &entries);
	int r = -ENOENT;

	for (int i = 0; i < count; i++) {
		if (strcmp(entries[i].name, name) != 0)
			continue;
		r = join(dir_fd, &entries[i], INSTANCE_JOIN_ROOT, NULL, ret);
		if (r == 0)
			return 0;
	}
	return say_no_instance(name, count < 0 ? count : r, err);
}

int instance_link_ask(int dir_fd, const struct instance_entry *entry,
		      char **ret_text)
{
	const struct instance_request request = {
		.magic = INSTANCE_MESSAGE_MAGIC,
		.verb = INSTANCE_TELL,
	};
	struct instance_answer answer;
	autoclose int socket = instance_dir_connect(dir_fd, entry);
	autoclose int fd = -1;
	char *text = NULL;
	int r = socket;

	if (r >= 0)
		r = instance_message_ask(socket, &request, &answer, &fd, &text);
	if (r == 0 && !text)
		r = -EPROTO;
	if (r == 0)
		*ret_text = text;
	return r;
}

/* The instance ends, and with it its end of the connection. */
static int await_end(int socket, int64_t timeout_ms)
{
	int64_t deadline_ms = clock_ms() + timeout_ms;

	for (;;) {
		struct pollfd pollfd = { .fd = socket, .events = POLLIN };
		int64_t left_ms = deadline_ms - clock_ms();
		char byte;

		if (left_ms <= 0)
			return -ETIMEDOUT;
		if (poll(&pollfd, 1, (int)left_ms) > 0 &&
		    recv(socket, &byte, 1, MSG_DONTWAIT) <= 0)
			return 0;
	}
}

int instance_link_stop(int dir_fd, const struct instance_entry *entry,
		       int signal, uint32_t grace_ms)
{
	const struct instance_request request = {
		.magic = INSTANCE_MESSAGE_MAGIC,
		.verb = INSTANCE_STOP,
		.signal = signal,
		.grace_ms = grace_ms,
	};
	struct instance_answer answer;
	autoclose int socket = instance_dir_connect(dir_fd, entry);
	autoclose int fd = -1;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int r = socket;

	if (r == -ENOENT || r == -ECONNREFUSED)
		return 0;
	if (r < 0)
		return r;
	r = instance_message_ask(socket, &request, &answer, &fd, NULL);
	if (r == 0)
		r = await_end(socket, (int64_t)grace_ms + END_TIMEOUT_MS);
	/* It hangs, or is stopped; the open connection says that the number is
	 * still its own. */
	if (r == -ETIMEDOUT &&
	    getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	    peer.pid > 0 && kill(peer.pid, SIGKILL) == 0)
		r = await_end(socket, END_TIMEOUT_MS);
	return r;
}

int instance_link_happened(void *arg)
{
	struct instance_link *link = arg;
	int32_t signal = 0;
	ssize_t n = recv(link->socket, &signal, sizeof(signal), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == sizeof(signal) && signal > 0 && signal < NSIG)
		return signal;
	link->is_lost = true;
	return -1;
}

/* Where it fails, the connection is breaking: instance_link_happened(). */
void instance_link_mark(void *arg, int mark_fd)
{
	const struct instance_link *link = arg;

	(void)instance_message_tell(link->socket, INSTANCE_MARK, mark_fd);
}

void instance_link_offer(void *arg, int root_fd)
{
	const struct instance_link *link = arg;

	(void)instance_message_tell(link->socket, INSTANCE_OFFER, root_fd);
}

void instance_link_tell_command(const struct instance_link *link,
				const char *const *argv, unsigned flags)
{
	struct buffer text CLEANUP(buffer_fini) =
		BUFFER_INIT(INSTANCE_MESSAGE_TEXT_MAX);
	struct instance_request request = {
		.magic = INSTANCE_MESSAGE_MAGIC,
		.verb = INSTANCE_COMMAND,
		.flags = flags,
	};
	int r = 0;

	for (; *argv && r == 0; argv++)
		r = buffer_append(&text, *argv, strlen(*argv) + 1);
	if (text.size == 0)
		return;
	request.text_size = (uint32_t)text.size;
	(void)instance_message_send(link->socket, &request, sizeof(request),
				    (const char *)text.data, request.text_size,
				    -1);
}

void instance_link_part(const struct instance_link *link)
{
	(void)instance_message_tell(link->socket, INSTANCE_FAREWELL, -1);
}

void instance_link_fini(struct instance_link *link)
{
	if (link->socket >= 0)
		close(STEAL_FD(link->socket));
	if (link->target.fd >= 0)
		close(STEAL_FD(link->target.fd));
}
