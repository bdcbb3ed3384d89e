/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread model: libmicrohttpd's threads call on_request(); the catalog is
 * immutable, the counters are atomic, a log line is one write.  Without
 * --delay and --rate a pool of POOL_SIZE threads polls all connections and
 * never waits for anything but the disk.  With them an answer sleeps, so each
 * connection has a thread; they sleep on a condition that stopping signals.
 */
#include "tools/registry_server.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/io.h"
#include "common/thread.h"
#include "tools/listen_socket.h"
#include "tools/microhttpd_library.h"
#include "tools/registry_answer.h"
#include "tools/registry_catalog.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	POOL_SIZE = 4,
	CONNECTIONS_MAX = 512,
	CONNECTION_TIMEOUT_S = 60,
	CONNECTION_MEMORY = 32 << 10, /* request line and headers */
	SLOW_BLOCK_SIZE = 16 << 10,
	SLOW_STACK_SIZE = 256 << 10,
};

struct registry_server {
	const struct microhttpd_library *mhd;
	struct registry_catalog *catalog;
	struct MHD_Daemon *daemon;
	uint16_t port;
	int log_fd;
	unsigned delay_ms;
	uint64_t rate;
	struct mutex lock;
	struct condition stopping;
	bool is_stopping GUARDED;
	/* relaxed: figures only */
	atomic_uint_least64_t requests;
	atomic_uint_least64_t manifest_requests;
	atomic_uint_least64_t blob_requests;
	atomic_uint_least64_t range_requests;
	atomic_uint_least64_t failures;
	atomic_uint_least64_t body_bytes;
};

/* A file body that is held back to so many bytes a second. */
struct slow_body {
	struct registry_server *server;
	int64_t start_ms;
	int fd;
	uint64_t off; /* of the body within the file */
	uint64_t size;
};

static void add(atomic_uint_least64_t *counter, uint64_t value)
{
	atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

/* Until a time or the server's end; false when it ends. */
static bool sleep_until(struct registry_server *server, int64_t deadline_ms)
{
	bool is_stopping;

	mutex_lock(&server->lock);
	while (!server->is_stopping && clock_ms() < deadline_ms)
		condition_wait_until(&server->stopping, &server->lock,
				     deadline_ms);
	is_stopping = server->is_stopping;
	mutex_unlock(&server->lock);
	return !is_stopping;
}

static ssize_t read_slowly(void *arg, uint64_t pos, char *ret_data, size_t size)
{
	struct slow_body *body = arg;
	int64_t due_ms = body->start_ms + (int64_t)((double)pos * 1000.0 /
						    (double)body->server->rate);

	assert(pos < body->size);
	if (size > body->size - pos)
		size = (size_t)(body->size - pos);
	if (!sleep_until(body->server, due_ms) ||
	    io_pread_full(body->fd, body->off + pos, size, ret_data) < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	return (ssize_t)size;
}

static void free_slow_body(void *arg)
{
	struct slow_body *body = arg;

	close(body->fd);
	free(body);
}

/* Takes the answer's file on success. */
static struct MHD_Response *make_slow_response(struct registry_server *server,
					       struct registry_answer *answer)
{
	struct slow_body *body = malloc(sizeof(*body));
	struct MHD_Response *response;

	if (!body)
		return NULL;
	*body = (struct slow_body){
		.server = server,
		.start_ms = clock_ms(),
		.fd = answer->fd,
		.off = answer->off,
		.size = answer->size,
	};
	response = server->mhd->MHD_create_response_from_callback(
		answer->size, SLOW_BLOCK_SIZE, read_slowly, body,
		free_slow_body);
	if (response)
		answer->fd = -1;
	else
		free(body);
	return response;
}

/* Takes the answer's file or body on success. */
static struct MHD_Response *make_response(struct registry_server *server,
					  struct registry_answer *answer)
{
	struct MHD_Response *response;

	if (answer->fd >= 0 && answer->size > 0) {
		if (server->rate)
			return make_slow_response(server, answer);
		response = server->mhd->MHD_create_response_from_fd_at_offset64(
			answer->size, answer->fd, answer->off);
		if (response)
			answer->fd = -1;
		return response;
	}
	response = server->mhd->MHD_create_response_from_buffer(
		answer->body ? answer->size : 0, answer->body,
		answer->body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (response)
		answer->body = NULL;
	return response;
}

static void add_range_headers(const struct registry_server *server,
			      struct MHD_Response *response,
			      const struct registry_answer *answer)
{
	char text[80];

	if (answer->status == 206)
		snprintf(text, sizeof(text), "bytes %llu-%llu/%llu",
			 (unsigned long long)answer->off,
			 (unsigned long long)(answer->off + answer->size - 1),
			 (unsigned long long)answer->total);
	else
		snprintf(text, sizeof(text), "bytes */%llu",
			 (unsigned long long)answer->total);
	server->mhd->MHD_add_response_header(response, "Content-Range", text);
}

static void add_headers(const struct registry_server *server,
			struct MHD_Response *response,
			const struct registry_answer *answer)
{
	char etag[DIGEST_TEXT_SIZE + 2];

	server->mhd->MHD_add_response_header(
		response, "Docker-Distribution-Api-Version", "registry/2.0");
	server->mhd->MHD_add_response_header(response, "Content-Type",
					     answer->content_type);
	if (answer->status == 405)
		server->mhd->MHD_add_response_header(response, "Allow",
						     "GET, HEAD");
	if (answer->status == 206 || answer->status == 416)
		add_range_headers(server, response, answer);
	if (answer->link[0])
		server->mhd->MHD_add_response_header(response, "Link",
						     answer->link);
	if (answer->is_filtered)
		server->mhd->MHD_add_response_header(
			response, "OCI-Filters-Applied", "artifactType");
	if (!answer->digest[0] || answer->status >= 300)
		return;
	snprintf(etag, sizeof(etag), "\"%s\"", answer->digest);
	server->mhd->MHD_add_response_header(response, "ETag", etag);
	server->mhd->MHD_add_response_header(response, "Docker-Content-Digest",
					     answer->digest);
	server->mhd->MHD_add_response_header(response, "Accept-Ranges",
					     "bytes");
}

/* What a client sent, harmless in a line of words. */
static void copy_word(const char *text, char *ret, size_t size)
{
	size_t len = 0;

	for (; *text && len + 1 < size; text++)
		ret[len++] = *text > 0x20 && *text < 0x7f ? *text : '?';
	ret[len] = '\0';
}

static void count(struct registry_server *server, const char *path,
		  const struct registry_answer *answer, uint64_t body_bytes)
{
	add(&server->requests, 1);
	add(&server->body_bytes, body_bytes);
	if (strstr(path, "/manifests/"))
		add(&server->manifest_requests, 1);
	else if (strstr(path, "/blobs/"))
		add(&server->blob_requests, 1);
	if (answer->status == 206)
		add(&server->range_requests, 1);
	if (answer->status >= 400)
		add(&server->failures, 1);
}

static void log_request(const struct registry_server *server,
			const char *method, const char *path, const char *range,
			const struct registry_answer *answer,
			uint64_t body_bytes)
{
	char method_word[16];
	char path_word[1024];
	char range_word[64] = "-";
	char line[1280];
	int n;

	if (server->log_fd < 0)
		return;
	copy_word(method, method_word, sizeof(method_word));
	copy_word(path, path_word, sizeof(path_word));
	if (range && *range)
		copy_word(range, range_word, sizeof(range_word));
	n = snprintf(line, sizeof(line), "%s %s %s %u %llu\n", method_word,
		     path_word, range_word, answer->status,
		     (unsigned long long)body_bytes);
	/* a full disk under the log is no reason to stop serving */
	(void)io_write_full(server->log_fd, line, (size_t)n);
}

static const char *find_header(const struct registry_server *server,
			       struct MHD_Connection *connection,
			       const char *name)
{
	return server->mhd->MHD_lookup_connection_value(connection,
							MHD_HEADER_KIND, name);
}

static const char *find_query(const struct registry_server *server,
			      struct MHD_Connection *connection,
			      const char *name)
{
	return server->mhd->MHD_lookup_connection_value(
		connection, MHD_GET_ARGUMENT_KIND, name);
}

static bool can_read(const char *method)
{
	return strcmp(method, MHD_HTTP_METHOD_GET) == 0 ||
	       strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

static void make_answer(struct registry_server *server,
			struct MHD_Connection *connection, const char *path,
			const char *method, struct registry_answer *ret)
{
	const struct registry_request request = {
		.path = path,
		.range = strcmp(method, MHD_HTTP_METHOD_GET) == 0
				 ? find_header(server, connection, "Range")
				 : NULL,
		.if_range = find_header(server, connection, "If-Range"),
		.count = find_query(server, connection, "n"),
		.last = find_query(server, connection, "last"),
		.artifact_type = find_query(server, connection, "artifactType"),
	};

	if (can_read(method)) {
		registry_answer_make(server->catalog, &request, ret);
		return;
	}
	*ret = (struct registry_answer){ .fd = -1 };
	registry_answer_refuse(ret, 405, "UNSUPPORTED",
			       "this registry can only be read");
}

static enum MHD_Result send_answer(struct registry_server *server,
				   struct MHD_Connection *connection,
				   struct registry_answer *answer)
{
	struct MHD_Response *response = make_response(server, answer);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	add_headers(server, response, answer);
	result = server->mhd->MHD_queue_response(connection, answer->status,
						 response);
	server->mhd->MHD_destroy_response(response);
	return result;
}

/*
 * Called with the headers, then for each piece of a body, then at the end.
 * An answer to the first call closes the connection, which is right for what
 * is refused unread, and wrong for all else.
 */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
				  const char *path, const char *method,
				  const char *version, const char *upload,
				  size_t *upload_size, void **context)
{
	static char seen;
	struct registry_server *server = arg;
	struct registry_answer answer;
	enum MHD_Result result;
	uint64_t body_bytes;

	(void)version;
	(void)upload;
	if (can_read(method) && *context != &seen) {
		*context = &seen;
		return MHD_YES;
	}
	if (*context == &seen && *upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	make_answer(server, connection, path, method, &answer);
	body_bytes =
		strcmp(method, MHD_HTTP_METHOD_HEAD) == 0 ? 0 : answer.size;
	count(server, path, &answer, body_bytes);
	log_request(server, method, path,
		    find_header(server, connection, "Range"), &answer,
		    body_bytes);
	if (server->delay_ms)
		sleep_until(server, clock_ms() + server->delay_ms);
	result = send_answer(server, connection, &answer);
	registry_answer_fini(&answer);
	return result;
}

/* With all signals blocked, which its threads inherit. */
static struct MHD_Daemon *start_daemon(struct registry_server *server, int fd)
{
	const bool is_slow = server->delay_ms || server->rate;
	const struct MHD_OptionItem pool[] = {
		{ MHD_OPTION_THREAD_POOL_SIZE, POOL_SIZE, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	const struct MHD_OptionItem stack[] = {
		{ MHD_OPTION_THREAD_STACK_SIZE, SLOW_STACK_SIZE, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	const unsigned flags = is_slow ? MHD_USE_INTERNAL_POLLING_THREAD |
						 MHD_USE_POLL |
						 MHD_USE_THREAD_PER_CONNECTION
				       : MHD_USE_EPOLL_INTERNAL_THREAD;
	struct MHD_Daemon *daemon;
	sigset_t before;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	daemon = server->mhd->MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, server,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)CONNECTION_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_ARRAY, is_slow ? stack : pool, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return daemon;
}

int registry_server_start(const struct registry_server_options *options,
			  struct registry_server **ret, struct error *err)
{
	const char *address = options->address ? options->address : "127.0.0.1";
	CLEANUP(registry_server_stopp)
	struct registry_server *server = calloc(1, sizeof(*server));
	autoclose int fd = -1;
	int r;

	assert(options->delay_ms <= REGISTRY_SERVER_DELAY_MS_MAX);
	if (!server)
		return error_set(err, -ENOMEM, "out of memory");
	mutex_init(&server->lock);
	condition_init(&server->stopping);
	r = microhttpd_library_load(&server->mhd, err);
	if (r < 0)
		return r;
	server->log_fd = options->log_fd;
	server->delay_ms = options->delay_ms;
	server->rate = options->rate;
	r = registry_catalog_create(options->roots, options->root_count,
				    &server->catalog, err);
	if (r < 0)
		return r;
	r = listen_socket_open(address, options->port, &fd, &server->port, err);
	if (r < 0)
		return r;
	server->daemon = start_daemon(server, fd);
	if (!server->daemon)
		return error_set(err, -EAGAIN,
				 "cannot start the server's threads");
	(void)STEAL_FD(fd); /* the daemon's now */
	*ret = STEAL_PTR(server);
	return 0;
}

void registry_server_stop(struct registry_server *server)
{
	if (!server)
		return;
	mutex_lock(&server->lock);
	server->is_stopping = true;
	condition_broadcast(&server->stopping);
	mutex_unlock(&server->lock);
	if (server->daemon)
		server->mhd->MHD_stop_daemon(server->daemon);
	condition_fini(&server->stopping);
	mutex_fini(&server->lock);
	registry_catalog_destroy(server->catalog);
	free(server);
}

uint16_t registry_server_port(const struct registry_server *server)
{
	return server->port;
}

const struct registry_catalog *registry_server_catalog(
	const struct registry_server *server)
{
	return server->catalog;
}

static uint64_t load(const atomic_uint_least64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void registry_server_get_counters(const struct registry_server *server,
				  struct registry_server_counters *ret)
{
	*ret = (struct registry_server_counters){
		.requests = load(&server->requests),
		.manifest_requests = load(&server->manifest_requests),
		.blob_requests = load(&server->blob_requests),
		.range_requests = load(&server->range_requests),
		.failures = load(&server->failures),
		.body_bytes = load(&server->body_bytes),
	};
}
