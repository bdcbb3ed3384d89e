/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * passed_fd: one descriptor that travels with a message (unix(7), SCM_RIGHTS).
 *
 * Threads: any.
 */
#include <sys/socket.h>

/* Room for it; as long as the message is. */
union passed_fd_space {
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(sizeof(int))];
};

/** passed_fd_attach() - send @fd along with @message; -1: nothing */
void passed_fd_attach(struct msghdr *message, union passed_fd_space *space,
		      int fd);

/** passed_fd_expect() - have recvmsg() take one */
void passed_fd_expect(struct msghdr *message, union passed_fd_space *space);

/** passed_fd_take() - the one that came with a received message; the caller's;
 * -1: none */
int passed_fd_take(const struct msghdr *message);
