/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_layer.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "run/run_fuse2fs.h"
#include "run/run_message.h"
#include "run/run_mount.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int run_layer_mount(struct run_layers *layers, const char *image,
		    const char *dir, int life_fd, int socket, struct error *err)
{
	autoclose int fuse_fd = -1;
	int mount_fd = -1;
	int r;

	assert(layers->count < RUN_LAYERS_MAX);
	if (image)
		r = mount_fd = run_fuse2fs_mount(image, dir, life_fd, err);
	else
		r = fuse_fd = run_mount_make_fuse(&mount_fd, err);
	if (r < 0)
		return r;
	layers->has_upper[layers->count] = image != NULL;
	layers->fds[layers->count++] = mount_fd;
	if (image)
		return 0;
	r = run_message_send(socket, RUN_MESSAGE_LAYER, NULL, 0, fuse_fd);
	return r < 0 ? error_set_errno(err, r, "cannot answer the caller") : 0;
}

int run_layer_open(const struct run_layers *layers, unsigned i)
{
	int fd = -1;

	assert(i < layers->count);
	if (layers->has_upper[i])
		fd = openat(layers->fds[i], "upper",
			    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fd = fcntl(layers->fds[i], F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

int run_layer_attach(const struct run_layers *layers, const char *dir,
		     struct error *err)
{
	for (unsigned i = 0; i < layers->count; i++) {
		autoclose int dir_fd =
			open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		int r = dir_fd < 0 ? -errno
				   : run_mount_attach(layers->fds[i], dir_fd);

		if (r < 0)
			return error_set_errno(
				err, r, "cannot mount an overlay on %s", dir);
	}
	return 0;
}
