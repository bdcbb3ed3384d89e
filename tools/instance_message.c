/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/instance_message.h"

#include "common/cleanup.h"
#include "common/passed_fd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

int instance_message_send(int socket, const void *head, uint32_t head_size,
			  const char *text, uint32_t text_size, int fd)
{
	struct iovec parts[] = {
		{ .iov_base = (void *)head, .iov_len = head_size },
		{ .iov_base = (void *)text, .iov_len = text_size },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	union passed_fd_space space;
	ssize_t n;

	passed_fd_attach(&message, &space, fd);
	do {
		n = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* One packet; its size or negative errno.  Never waits. */
static ssize_t receive_packet(int socket, struct iovec *parts, size_t count,
			      int *ret_fd)
{
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
	union passed_fd_space space;
	autoclose int fd = -1;
	ssize_t n;

	passed_fd_expect(&message, &space);
	do {
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	fd = passed_fd_take(&message);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -EPROTO;
	*ret_fd = STEAL_FD(fd);
	return n;
}

static int receive(int socket, struct instance_answer *ret, char *text,
		   int *ret_fd)
{
	struct iovec parts[] = {
		{ .iov_base = ret, .iov_len = sizeof(*ret) },
		{ .iov_base = text, .iov_len = INSTANCE_MESSAGE_TEXT_MAX },
	};
	autoclose int fd = -1;
	ssize_t n = receive_packet(socket, parts, 2, &fd);

	if (n < 0)
		return (int)n;
	if ((size_t)n < sizeof(*ret) || ret->magic != INSTANCE_MESSAGE_MAGIC ||
	    ret->text_size != (size_t)n - sizeof(*ret))
		return -EPROTO;
	text[ret->text_size] = '\0';
	*ret_fd = STEAL_FD(fd);
	return ret->code;
}

int instance_message_ask(int socket, const struct instance_request *request,
			 struct instance_answer *ret, int *ret_fd,
			 char **ret_text)
{
	struct pollfd pollfd = { .fd = socket, .events = POLLIN };
	autofree char *text = malloc(INSTANCE_MESSAGE_TEXT_MAX + 1);
	int r;

	*ret_fd = -1;
	if (!text)
		return -ENOMEM;
	r = instance_message_send(socket, request, sizeof(*request), NULL, 0,
				  -1);
	if (r < 0)
		return r;
	do {
		r = poll(&pollfd, 1, INSTANCE_MESSAGE_TIMEOUT_MS);
	} while (r < 0 && errno == EINTR);
	if (r <= 0)
		return r == 0 ? -ETIMEDOUT : -errno;
	r = receive(socket, ret, text, ret_fd);
	if (r == 0 && ret_text)
		*ret_text = ret->text_size ? STEAL_PTR(text) : NULL;
	return r;
}

int instance_message_take(int socket, struct instance_request *ret,
			  char ret_text[INSTANCE_MESSAGE_TEXT_MAX + 1],
			  int *ret_fd)
{
	struct iovec parts[] = {
		{ .iov_base = ret, .iov_len = sizeof(*ret) },
		{ .iov_base = ret_text, .iov_len = INSTANCE_MESSAGE_TEXT_MAX },
	};
	autoclose int fd = -1;
	ssize_t n = receive_packet(socket, parts, 2, &fd);

	if (n < 0)
		return (int)n;
	if ((size_t)n < sizeof(*ret) || ret->magic != INSTANCE_MESSAGE_MAGIC ||
	    ret->text_size != (size_t)n - sizeof(*ret))
		return -EPROTO;
	ret_text[ret->text_size] = '\0';
	*ret_fd = STEAL_FD(fd);
	return 0;
}

int instance_message_tell(int socket, enum instance_verb verb, int fd)
{
	const struct instance_request request = {
		.magic = INSTANCE_MESSAGE_MAGIC,
		.verb = verb,
	};

	return instance_message_send(socket, &request, sizeof(request), NULL, 0,
				     fd);
}
