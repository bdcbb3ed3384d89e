/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_service.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "common/thread.h"
#include "fs/fs_server.h"
#include "tools/session.h"

#include <unistd.h>

static void *serve(void *arg)
{
	struct job_service *service = arg;

	service->result = fs_server_run(service->server, &service->err);
	return NULL;
}

int job_service_start(struct job_service *service, struct session *session,
		      int fuse_fd, bool maps_ids,
		      const struct fs_server_options *options,
		      struct error *err)
{
	struct fs_server_options all = *options;
	autoclose int fd = fuse_fd;
	int r = session_confirm(session, err);

	if (r < 0)
		return r;
	all.map_ids = maps_ids;
	all.has_no_status = true; /* hidden below the overlay */
	r = fs_server_create(session_index(session), session_loader(session),
			     &all, &service->server, err);
	if (r == 0)
		r = fs_server_attach(service->server, fd, err);
	if (r < 0)
		return r;
	STEAL_FD(fd);
	r = thread_start(&service->thread, "fuse", serve, service);
	if (r < 0)
		return error_set_errno(err, r, "cannot start a thread");
	service->is_running = true;
	return 0;
}

/* The session ends by itself when nobody holds the mount any more. */
void job_service_join(struct job_service *service)
{
	if (!service->is_running)
		return;
	pthread_join(service->thread, NULL);
	service->is_running = false;
	if (service->result < 0)
		log_event(LOG_WARN, "tools", "op=serve text=\"%s\"",
			  service->err.text);
}

void job_service_fini(struct job_service *service)
{
	if (service->is_running)
		fs_server_stop(service->server);
	job_service_join(service);
	fs_server_destroy(service->server);
	service->server = NULL;
}
