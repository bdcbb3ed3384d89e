/* SPDX-License-Identifier: Apache-2.0 */
#include "common/passed_fd.h"

#include <string.h>

void passed_fd_attach(struct msghdr *message, union passed_fd_space *space,
		      int fd)
{
	struct cmsghdr *part;

	if (fd < 0)
		return;
	*space = (union passed_fd_space){ 0 };
	passed_fd_expect(message, space);
	part = CMSG_FIRSTHDR(message);
	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(part), &fd, sizeof(fd));
}

void passed_fd_expect(struct msghdr *message, union passed_fd_space *space)
{
	message->msg_control = space;
	message->msg_controllen = sizeof(*space);
}

int passed_fd_take(const struct msghdr *message)
{
	const struct cmsghdr *part = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (part && part->cmsg_level == SOL_SOCKET &&
	    part->cmsg_type == SCM_RIGHTS &&
	    part->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(part), sizeof(fd));
	return fd;
}
