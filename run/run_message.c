/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_message.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/passed_fd.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
	BODY_TIMEOUT_MS = 10000,
};

struct header {
	uint32_t type;
	uint32_t size;
};

static int wait_for(int socket, short events, int timeout_ms)
{
	struct pollfd pollfd = { .fd = socket, .events = events };
	int r;

	do {
		r = poll(&pollfd, 1, timeout_ms);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

static int send_rest(int socket, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n =
			send(socket, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n < 0) {
			r = wait_for(socket, POLLOUT, BODY_TIMEOUT_MS);
			if (r < 0)
				return r;
			continue;
		}
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int run_message_send(int socket, enum run_message_type type, const void *body,
		     size_t size, int fd)
{
	struct header header = { .type = type, .size = (uint32_t)size };
	struct iovec parts[] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)body, .iov_len = size },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	union passed_fd_space space;
	ssize_t n;

	if (size > RUN_MESSAGE_SIZE_MAX)
		return -EFBIG;
	passed_fd_attach(&message, &space, fd);
	for (;;) {
		int r;

		n = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			break;
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
		r = errno == EINTR ? 0
				   : wait_for(socket, POLLOUT, BODY_TIMEOUT_MS);
		if (r < 0)
			return r;
	}
	if ((size_t)n < sizeof(header))
		return -EPROTO;
	n -= (ssize_t)sizeof(header);
	return (size_t)n == size ? 0
				 : send_rest(socket, (const uint8_t *)body + n,
					     size - (size_t)n);
}

static int receive_header(int socket, struct header *ret, int *ret_fd)
{
	struct iovec iov = { .iov_base = ret, .iov_len = sizeof(*ret) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	union passed_fd_space space;
	ssize_t n;

	passed_fd_expect(&message, &space);
	do {
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	*ret_fd = passed_fd_take(&message);
	return n == sizeof(*ret) ? 0 : -EPROTO;
}

static int receive_body(int socket, struct buffer *body, size_t size)
{
	int r = buffer_reserve(body, size);

	if (r < 0)
		return r;
	while (body->size < size) {
		ssize_t n;

		r = wait_for(socket, POLLIN, BODY_TIMEOUT_MS);
		if (r < 0)
			return r;
		n = recv(socket, body->data + body->size, size - body->size, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ECONNRESET;
		body->size += (size_t)n;
	}
	return 0;
}

int run_message_receive(int socket, int timeout_ms, struct buffer *body,
			enum run_message_type *ret_type, int *ret_fd)
{
	autoclose int fd = -1;
	struct header header;
	int r;

	body->size = 0;
	r = wait_for(socket, POLLIN, timeout_ms);
	if (r < 0)
		return r;
	r = receive_header(socket, &header, &fd);
	if (r < 0)
		return r;
	if (header.type < RUN_MESSAGE_MOUNTED ||
	    header.type > RUN_MESSAGE_FAILED)
		return -EPROTO;
	if (header.size > RUN_MESSAGE_SIZE_MAX)
		return -EFBIG;
	r = receive_body(socket, body, header.size);
	if (r < 0)
		return r;
	*ret_type = (enum run_message_type)header.type;
	if (ret_fd)
		*ret_fd = STEAL_FD(fd);
	return 0;
}

void run_message_fail(int socket, const struct error *err, int exit_code)
{
	struct run_message_failure failure = {
		.code = err->code,
		.exit_code = exit_code,
	};

	assert(err->code < 0);
	snprintf(failure.text, sizeof(failure.text), "%s", err->text);
	(void)run_message_send(socket, RUN_MESSAGE_FAILED, &failure,
			       sizeof(failure), -1);
}
