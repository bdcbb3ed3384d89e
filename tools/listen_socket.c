/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/listen_socket.h"

#include "common/cleanup.h"
#include "common/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

enum { BACKLOG = 256 };

static int bind_socket(int fd, const struct addrinfo *address, uint16_t *port)
{
	const int on = 1;
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 ||
	    listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&bound, &size) < 0)
		return -errno;
	*port = bound.ss_family == AF_INET6
			? ntohs(((struct sockaddr_in6 *)&bound)->sin6_port)
			: ntohs(((struct sockaddr_in *)&bound)->sin_port);
	return 0;
}

int listen_socket_open(const char *address, uint16_t port, int *ret_fd,
		       uint16_t *ret_port, struct error *err)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	autoclose int fd = -1;
	char port_text[8];
	int r;

	snprintf(port_text, sizeof(port_text), "%u", port);
	if (getaddrinfo(address, port_text, &hints, &found) != 0)
		return error_set(err, -EINVAL,
				 "\"%.80s\" is not a numeric address; write "
				 "127.0.0.1 or ::1",
				 address);
	fd = socket(found->ai_family,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? -errno : bind_socket(fd, found, ret_port);
	freeaddrinfo(found);
	if (r < 0)
		return error_set_errno(err, r, "cannot listen on %s port %u",
				       address, port);
	*ret_fd = STEAL_FD(fd);
	return 0;
}
