/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_http: libmicrohttpd with a thread per connection, so that a fault may
 * simply wait.
 */
#include "tests/support/fake_http.h"

#include "common/thread.h"

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POST_SIZE_MAX = 64 << 10, LONG_BODY_EXTRA = 100 };

struct fake_http {
	struct MHD_Daemon *daemon;
	unsigned port;
	fake_http_fn *handler;
	void *arg;
	struct mutex lock;
	struct condition stopped;
	/* -- protected by lock -- */
	bool is_stopping GUARDED;
	unsigned connection_count GUARDED;
};

/* A request being received, and then its answer being sent. */
struct exchange {
	struct fake_http *http;
	char *post;
	size_t post_size;
	struct fake_answer answer;
};

struct body {
	struct fake_http *http;
	uint8_t *data;
	uint64_t size; /* that are sent */
	bool stalls;   /* afterwards */
	bool is_cut;   /* afterwards the connection breaks */
};

static void wait_for_stop(struct fake_http *http)
{
	mutex_lock(&http->lock);
	while (!http->is_stopping)
		condition_wait(&http->stopped, &http->lock);
	mutex_unlock(&http->lock);
}

static ssize_t read_body(void *arg, uint64_t off, char *ret, size_t size)
{
	struct body *body = arg;

	if (off >= body->size) {
		if (body->stalls)
			wait_for_stop(body->http);
		return body->is_cut || body->stalls
			       ? MHD_CONTENT_READER_END_WITH_ERROR
			       : MHD_CONTENT_READER_END_OF_STREAM;
	}
	if (size > body->size - off)
		size = (size_t)(body->size - off);
	memcpy(ret, body->data + off, size);
	return (ssize_t)size;
}

static void free_body(void *arg)
{
	struct body *body = arg;

	free(body->data);
	free(body);
}

static struct MHD_Response *make_response(struct fake_http *http,
					  enum fake_fault fault,
					  const uint8_t *data, size_t size)
{
	struct body *body = calloc(1, sizeof(*body));
	uint64_t announced = size;

	assert(body);
	body->http = http;
	body->data = calloc(1, size + LONG_BODY_EXTRA);
	assert(body->data);
	if (size)
		memcpy(body->data, data, size);
	body->size = size;
	if (fault == FAKE_FAULT_FLIP && size)
		body->data[size / 2] ^= 0x10;
	if (fault == FAKE_FAULT_LONG_BODY) {
		body->size = size + LONG_BODY_EXTRA;
		announced = MHD_SIZE_UNKNOWN;
	}
	if (fault == FAKE_FAULT_SHORT_BODY || fault == FAKE_FAULT_STALL_BODY)
		body->size = size / 2;
	body->is_cut = fault == FAKE_FAULT_SHORT_BODY;
	body->stalls = fault == FAKE_FAULT_STALL_BODY;
	return MHD_create_response_from_callback(announced, 16384, read_body,
						 body, free_body);
}

static void add_content_range(struct MHD_Response *response,
			      enum fake_fault fault, size_t first, size_t last,
			      size_t total)
{
	char value[96];

	if (fault == FAKE_FAULT_NO_CONTENT_RANGE)
		return;
	if (fault == FAKE_FAULT_WRONG_RANGE)
		first++, last++, total++;
	if (fault == FAKE_FAULT_WRONG_TOTAL)
		total++;
	if (fault == FAKE_FAULT_NO_TOTAL)
		snprintf(value, sizeof(value), "bytes %zu-%zu/*", first, last);
	else
		snprintf(value, sizeof(value), "bytes %zu-%zu/%zu", first, last,
			 total);
	MHD_add_response_header(response, "Content-Range", value);
}

static void add_big_head(struct MHD_Response *response)
{
	char value[1024];

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (unsigned i = 0; i < 256; i++)
		MHD_add_response_header(response, "X-Padding", value);
}

/* Return: whether there is a Range that is to be honoured. */
static bool find_range(struct MHD_Connection *connection,
		       const struct fake_answer *answer, size_t size,
		       size_t *ret_first, size_t *ret_last)
{
	const char *range = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, "Range");

	if (!range || !answer->has_ranges || answer->status != 200 ||
	    answer->fault == FAKE_FAULT_IGNORE_RANGE)
		return false;
	return sscanf(range, "bytes=%zu-%zu", ret_first, ret_last) == 2 &&
	       *ret_first <= *ret_last && *ret_last < size;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection,
				   struct fake_http *http,
				   struct fake_answer *answer)
{
	const uint8_t *data = answer->body;
	size_t size = answer->size;
	size_t first = 0;
	size_t last = 0;
	struct MHD_Response *response;
	enum MHD_Result r;
	bool is_range;

	if (!data) {
		data = (const uint8_t *)answer->text;
		size = strlen(answer->text);
	}
	is_range = find_range(connection, answer, size, &first, &last);
	if (is_range)
		response = make_response(http, answer->fault, data + first,
					 last - first + 1);
	else
		response = make_response(http, answer->fault, data, size);
	if (is_range) {
		answer->status = 206;
		add_content_range(response, answer->fault, first, last, size);
	}
	if (answer->fault == FAKE_FAULT_ENCODED)
		MHD_add_response_header(response, "Content-Encoding", "gzip");
	if (answer->fault == FAKE_FAULT_BIG_HEAD)
		add_big_head(response);
	if (answer->retry_after)
		MHD_add_response_header(response, "Retry-After",
					answer->retry_after);
	for (unsigned i = 0; i < answer->header_count; i++)
		MHD_add_response_header(response, answer->headers[i].name,
					answer->headers[i].value);
	r = MHD_queue_response(connection, (unsigned)answer->status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result add_query(void *arg, enum MHD_ValueKind kind,
				 const char *name, const char *value)
{
	char *query = arg;
	size_t len = strlen(query);

	(void)kind;
	snprintf(query + len, 2048 - len, "%s%s=%s", len ? "&" : "", name,
		 value ? value : "");
	return MHD_YES;
}

static enum MHD_Result answer_request(struct MHD_Connection *connection,
				      struct exchange *exchange,
				      const char *method, const char *path)
{
	struct fake_answer *answer = &exchange->answer;
	char query[2048] = "";
	struct fake_request request = {
		.method = method,
		.path = path,
		.query = query,
		.authorization = MHD_lookup_connection_value(
			connection, MHD_HEADER_KIND, "Authorization"),
		.accept_encoding = MHD_lookup_connection_value(
			connection, MHD_HEADER_KIND, "Accept-Encoding"),
		.body = exchange->post ? exchange->post : "",
	};

	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_query,
				  query);
	exchange->http->handler(exchange->http->arg, &request, answer);
	if (answer->fault == FAKE_FAULT_STALL_HEAD)
		wait_for_stop(exchange->http);
	if (answer->fault == FAKE_FAULT_STALL_HEAD ||
	    answer->fault == FAKE_FAULT_RESET)
		return MHD_NO;
	if (answer->fault == FAKE_FAULT_STATUS) {
		answer->header_count = 0;
		fake_answer_set_text(answer, answer->fault_status,
				     "{\"errors\":[{\"code\":\"X\","
				     "\"message\":\"as the test asked\"}]}");
	} else {
		answer->retry_after = NULL;
	}
	return send_answer(connection, exchange->http, answer);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
				  const char *path, const char *method,
				  const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	struct exchange *exchange = *state;
	char *post;

	(void)version;
	if (!exchange) {
		exchange = calloc(1, sizeof(*exchange));
		if (!exchange)
			return MHD_NO;
		exchange->http = arg;
		*state = exchange;
		return MHD_YES;
	}
	if (*upload_size == 0)
		return answer_request(connection, exchange, method, path);
	if (exchange->post_size + *upload_size > POST_SIZE_MAX)
		return MHD_NO;
	post = realloc(exchange->post, exchange->post_size + *upload_size + 1);
	if (!post)
		return MHD_NO;
	memcpy(post + exchange->post_size, upload, *upload_size);
	exchange->post = post;
	exchange->post_size += *upload_size;
	post[exchange->post_size] = '\0';
	*upload_size = 0;
	return MHD_YES;
}

static void on_completed(void *arg, struct MHD_Connection *connection,
			 void **state, enum MHD_RequestTerminationCode why)
{
	struct exchange *exchange = *state;

	(void)arg;
	(void)connection;
	(void)why;
	if (exchange)
		free(exchange->post);
	free(exchange);
	*state = NULL;
}

static void on_connection(void *arg, struct MHD_Connection *connection,
			  void **state,
			  enum MHD_ConnectionNotificationCode what)
{
	struct fake_http *http = arg;

	(void)connection;
	(void)state;
	if (what != MHD_CONNECTION_NOTIFY_STARTED)
		return;
	mutex_lock(&http->lock);
	http->connection_count++;
	mutex_unlock(&http->lock);
}

struct fake_http *fake_http_start_tls(const char *key_pem, const char *cert_pem,
				      fake_http_fn *handler, void *arg)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key_pem },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert_pem },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION |
			 MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
			 (key_pem ? MHD_USE_TLS : 0);
	struct fake_http *http = calloc(1, sizeof(*http));

	if (!http)
		return NULL;
	http->handler = handler;
	http->arg = arg;
	mutex_init(&http->lock);
	condition_init(&http->stopped);
	http->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR,
		&address, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)1 << 20,
		MHD_OPTION_ARRAY, key_pem ? tls : none, MHD_OPTION_END);
	if (!http->daemon) {
		free(http);
		return NULL;
	}
	http->port =
		MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT)
			->port;
	return http;
}

struct fake_http *fake_http_start(fake_http_fn *handler, void *arg)
{
	return fake_http_start_tls(NULL, NULL, handler, arg);
}

void fake_http_stop(struct fake_http *http)
{
	if (!http)
		return;
	mutex_lock(&http->lock);
	http->is_stopping = true;
	condition_broadcast(&http->stopped);
	mutex_unlock(&http->lock);
	MHD_stop_daemon(http->daemon);
	condition_fini(&http->stopped);
	mutex_fini(&http->lock);
	free(http);
}

unsigned fake_http_port(const struct fake_http *http)
{
	return http->port;
}

unsigned fake_http_connection_count(struct fake_http *http)
{
	unsigned count;

	mutex_lock(&http->lock);
	count = http->connection_count;
	mutex_unlock(&http->lock);
	return count;
}

void fake_answer_add_header(struct fake_answer *answer, const char *name,
			    const char *value_fmt, ...)
{
	unsigned i = answer->header_count++;
	va_list args;

	assert(i < FAKE_HEADERS_MAX);
	answer->headers[i].name = name;
	va_start(args, value_fmt);
	vsnprintf(answer->headers[i].value, sizeof(answer->headers[i].value),
		  value_fmt, args);
	va_end(args);
}

void fake_answer_set_text(struct fake_answer *answer, int status,
			  const char *fmt, ...)
{
	va_list args;

	answer->status = status;
	answer->body = NULL;
	va_start(args, fmt);
	vsnprintf(answer->text, sizeof(answer->text), fmt, args);
	va_end(args);
}
