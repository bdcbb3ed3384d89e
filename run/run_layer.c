/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_layer.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "run/run_message.h"
#include "run/run_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int mount_one(struct run_layers *layers, int socket, struct error *err)
{
	int mount_fd = -1;
	autoclose int fuse_fd = run_mount_make_fuse(&mount_fd, err);
	int r;

	if (fuse_fd < 0)
		return fuse_fd;
	layers->fds[layers->count++] = mount_fd;
	r = run_message_send(socket, RUN_MESSAGE_LAYER, NULL, 0, fuse_fd);
	return r < 0 ? error_set_errno(err, r, "cannot answer the caller") : 0;
}

int run_layer_mount(struct run_layers *layers, unsigned count, int socket,
		    struct error *err)
{
	int r = 0;

	if (count > RUN_LAYERS_MAX - layers->count)
		return error_set(err, -EFBIG,
				 "%u overlays that are files: at most %d can "
				 "be mounted",
				 count, RUN_LAYERS_MAX);
	for (unsigned i = 0; r == 0 && i < count; i++)
		r = mount_one(layers, socket, err);
	return r;
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
