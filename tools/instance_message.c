/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/instance_message.h"

#include "common/cleanup.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union descriptor_space {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int instance_message_send(int socket, const void *head, uint32_t head_size,
			  const char *text, uint32_t text_size, int fd)
{
	struct iovec parts[] = {
		{ .iov_base = (void *)head, .iov_len = head_size },
		{ .iov_base = (void *)text, .iov_len = text_size },
	};
	union descriptor_space space = { 0 };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n;

	if (fd >= 0) {
		struct cmsghdr *part;

		message.msg_control = &space;
		message.msg_controllen = sizeof(space);
		part = CMSG_FIRSTHDR(&message);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(part), &fd, sizeof(fd));
	}
	do {
		n = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int take_descriptor(struct msghdr *message)
{
	struct cmsghdr *part = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (part && part->cmsg_level == SOL_SOCKET &&
	    part->cmsg_type == SCM_RIGHTS &&
	    part->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(part), sizeof(fd));
	return fd;
}

static int receive(int socket, struct instance_answer *ret, char *text,
		   int *ret_fd)
{
	struct iovec parts[] = {
		{ .iov_base = ret, .iov_len = sizeof(*ret) },
		{ .iov_base = text, .iov_len = INSTANCE_MESSAGE_TEXT_MAX },
	};
	union descriptor_space space = { 0 };
	struct msghdr message = {
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = &space,
		.msg_controllen = sizeof(space),
	};
	autoclose int fd = -1;
	ssize_t n;

	do {
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	fd = take_descriptor(&message);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
	    (size_t)n < sizeof(*ret) || ret->magic != INSTANCE_MESSAGE_MAGIC ||
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

int instance_message_take(int socket, struct instance_request *ret)
{
	ssize_t n;

	do {
		n = recv(socket, ret, sizeof(*ret), MSG_DONTWAIT | MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	if (n != sizeof(*ret) || ret->magic != INSTANCE_MESSAGE_MAGIC)
		return -EPROTO;
	return 0;
}
