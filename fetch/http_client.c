/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_client: one thread around curl_multi_poll().
 *
 * Threads: submitters put transfers and timers into two lists under `lock`
 * and wake the network thread, which takes them out.  All of libcurl, the
 * lists `waiting` and `active` and the idle handles belong to that thread
 * alone; it calls `done` and timers with no lock held, so these may submit.
 *
 * A request waits here, not in libcurl, while its origin is busy: libcurl
 * would let its connect timeout run meanwhile.  libcurl's own timeouts are too
 * coarse for a body that stops moving, so deadlines are looked at every
 * TICK_MS.
 *
 * Connections belong to the multi handle and outlive easy handles; these are
 * kept for their buffers.  TLS sessions are shared through one share handle,
 * which needs no locks because one thread uses it.
 */
#include "fetch/http_client.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/thread.h"
#include "fetch/http_transfer.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	CONNECTIONS_PER_HOST_DEFAULT = 8,
	CONNECTIONS_DEFAULT = 32,
	CONNECTIONS_MAX = 256,
	CONNECT_TIMEOUT_MS_DEFAULT = 5000,
	FIRST_BYTE_TIMEOUT_MS_DEFAULT = 20000,
	PROGRESS_TIMEOUT_MS_DEFAULT = 10000,
	TICK_MS = 250,
	POLL_MS_MAX = 60000,
	QUEUE_MAX = 4096, /* requests, and as many timers */
};

struct timer {
	struct timer *prev;
	struct timer *next;
	int64_t due_ms;
	void (*fn)(void *arg);
	void *arg;
};

struct http_client {
	/* -- fixed after create -- */
	struct http_transfer_settings settings;
	unsigned active_per_origin_max;
	unsigned active_max;
	CURLM *multi; /* other threads: only curl_multi_wakeup() */
	CURLSH *share;
	pthread_t thread;
	struct mutex lock;
	/* -- protected by lock -- */
	struct http_transfer *submitted GUARDED; /* oldest first */
	struct timer *timers GUARDED;		 /* earliest first */
	unsigned queued_count GUARDED; /* submitted here, not yet active */
	unsigned timer_count GUARDED;
	bool is_stopping GUARDED;
	/* -- the network thread's -- */
	struct http_transfer *waiting; /* oldest first */
	struct http_transfer *active;
	unsigned active_count;
	bool may_start; /* the waiting ones are worth a look */
	CURL **idle;	/* active_max of them at most */
	unsigned idle_count;
	/* -- atomic, relaxed: figures for people -- */
	struct http_client_counters counters;
};

/* ---- transfers, on the network thread ---- */

static void count_up(uint64_t *counter, uint64_t by)
{
	__atomic_fetch_add(counter, by, __ATOMIC_RELAXED);
}

static CURL *take_handle(struct http_client *client)
{
	CURL *easy;

	if (client->idle_count > 0)
		return client->idle[--client->idle_count];
	easy = curl_easy_init();
	if (easy &&
	    curl_easy_setopt(easy, CURLOPT_SHARE, client->share) != CURLE_OK) {
		curl_easy_cleanup(easy);
		return NULL;
	}
	return easy;
}

static void give_handle(struct http_client *client, CURL *easy)
{
	assert(client->idle_count < client->active_max);
	curl_easy_reset(easy); /* the share stays */
	client->idle[client->idle_count++] = easy;
}

static void complete(struct http_transfer *transfer)
{
	http_transfer_deliver(transfer);
	http_transfer_destroy(transfer);
}

static void end_active(struct http_client *client,
		       struct http_transfer *transfer, CURLcode code)
{
	CURL *easy = transfer->easy;
	long connections = 0;

	http_transfer_finish(transfer, code);
	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connections);
	count_up(&client->counters.connections, (uint64_t)connections);
	count_up(&client->counters.body_bytes,
		 http_transfer_body_size(transfer));
	curl_multi_remove_handle(client->multi, easy);
	transfer->easy = NULL;
	give_handle(client, easy);
	DL_DELETE(client->active, transfer);
	client->active_count--;
	client->may_start = true;
	complete(transfer);
}

static void activate(struct http_client *client, struct http_transfer *transfer)
{
	CURL *easy = take_handle(client);

	DL_APPEND(client->active, transfer);
	client->active_count++;
	if (!easy) {
		http_transfer_fail(transfer, -ENOMEM, "out of memory");
		DL_DELETE(client->active, transfer);
		client->active_count--;
		complete(transfer);
		return;
	}
	count_up(&client->counters.requests, 1);
	if (transfer->has_range)
		count_up(&client->counters.range_requests, 1);
	if (http_transfer_start(transfer, easy, &client->settings) < 0 ||
	    curl_multi_add_handle(client->multi, easy) != CURLM_OK)
		end_active(client, transfer, CURLE_OUT_OF_MEMORY);
}

static bool has_room(const struct http_client *client,
		     const struct http_transfer *transfer)
{
	const struct http_transfer *other;
	unsigned count = 0;

	DL_FOREACH (client->active, other) {
		if (url_is_same_origin(&other->origin, &transfer->origin))
			count++;
	}
	return count < client->active_per_origin_max;
}

static void leave_queue(struct http_client *client,
			struct http_transfer *transfer)
{
	DL_DELETE(client->waiting, transfer);
	mutex_lock(&client->lock);
	assert(client->queued_count > 0);
	client->queued_count--;
	mutex_unlock(&client->lock);
}

static void start_waiting(struct http_client *client)
{
	struct http_transfer *transfer;
	struct http_transfer *next;

	if (!client->may_start)
		return;
	client->may_start = false;
	DL_FOREACH_SAFE (client->waiting, transfer, next) {
		if (client->active_count == client->active_max)
			break;
		if (transfer->result < 0) {
			leave_queue(client, transfer);
			complete(transfer);
		} else if (has_room(client, transfer)) {
			leave_queue(client, transfer);
			activate(client, transfer);
		}
	}
}

static void end_finished(struct http_client *client)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		CURLcode code = message->data.result;
		char *private = NULL;

		assert(message->msg == CURLMSG_DONE);
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
				  &private);
		end_active(client, (struct http_transfer *)(void *)private,
			   code);
	}
}

static void check_times(struct http_client *client)
{
	int64_t now_ms = clock_ms();
	struct http_transfer *transfer;
	struct http_transfer *next;

	DL_FOREACH_SAFE (client->active, transfer, next) {
		if (http_transfer_check_time(transfer, now_ms,
					     &client->settings) < 0)
			end_active(client, transfer, CURLE_OK);
	}
	DL_FOREACH_SAFE (client->waiting, transfer, next) {
		if (http_transfer_check_time(transfer, now_ms,
					     &client->settings) < 0) {
			leave_queue(client, transfer);
			complete(transfer);
		}
	}
}

/* ---- the thread ---- */

static bool take_submitted_locked(struct http_client *client)
	REQUIRES(client->lock)
{
	if (client->submitted) {
		DL_CONCAT(client->waiting, client->submitted);
		client->submitted = NULL;
		client->may_start = true;
	}
	return client->is_stopping;
}

static struct timer *take_timer_locked(struct http_client *client,
				       int64_t *ret_wait_ms)
	REQUIRES(client->lock)
{
	struct timer *timer = client->timers;
	int64_t wait_ms = timer ? timer->due_ms - clock_ms() : POLL_MS_MAX;

	if (timer && (wait_ms <= 0 || client->is_stopping)) {
		DL_DELETE(client->timers, timer);
		client->timer_count--;
		return timer;
	}
	*ret_wait_ms = wait_ms < POLL_MS_MAX ? wait_ms : POLL_MS_MAX;
	return NULL;
}

/* Return: milliseconds until the next one. */
static int64_t run_timers(struct http_client *client)
{
	int64_t wait_ms = POLL_MS_MAX;
	struct timer *timer;

	for (;;) {
		mutex_lock(&client->lock);
		timer = take_timer_locked(client, &wait_ms);
		mutex_unlock(&client->lock);
		if (!timer)
			return wait_ms;
		timer->fn(timer->arg);
		free(timer);
	}
}

static void cancel_all(struct http_client *client)
{
	struct http_transfer *transfer;

	while ((transfer = client->active)) {
		http_transfer_fail(transfer, -ECANCELED, "canceled");
		end_active(client, transfer, CURLE_OK);
	}
	while ((transfer = client->waiting)) {
		http_transfer_fail(transfer, -ECANCELED, "canceled");
		leave_queue(client, transfer);
		complete(transfer);
	}
	run_timers(client);
}

static bool take_submitted(struct http_client *client)
{
	bool is_stopping;

	mutex_lock(&client->lock);
	is_stopping = take_submitted_locked(client);
	mutex_unlock(&client->lock);
	return is_stopping;
}

static void *network_thread(void *arg)
{
	struct http_client *client = arg;
	int64_t checked_ms = clock_ms();
	int64_t wait_ms;
	int running;

	while (!take_submitted(client)) {
		start_waiting(client);
		curl_multi_perform(client->multi, &running);
		end_finished(client);
		if (clock_ms() - checked_ms >= TICK_MS) {
			check_times(client);
			checked_ms = clock_ms();
		}
		wait_ms = run_timers(client);
		if ((client->active || client->waiting) && wait_ms > TICK_MS)
			wait_ms = TICK_MS;
		if (client->may_start && client->waiting)
			wait_ms = 0;
		curl_multi_poll(client->multi, NULL, 0, (int)wait_ms, NULL);
	}
	cancel_all(client);
	return NULL;
}

/* ---- submitting ---- */

static int queue_transfer_locked(struct http_client *client,
				 struct http_transfer *transfer)
	REQUIRES(client->lock)
{
	if (client->is_stopping)
		return -ECANCELED;
	if (client->queued_count == QUEUE_MAX)
		return -EAGAIN;
	client->queued_count++;
	DL_APPEND(client->submitted, transfer);
	return 0;
}

static int queue_transfer(struct http_client *client,
			  struct http_transfer *transfer)
{
	int r;

	if (!transfer)
		return -ENOMEM;
	mutex_lock(&client->lock);
	r = queue_transfer_locked(client, transfer);
	mutex_unlock(&client->lock);
	if (r < 0)
		http_transfer_destroy(transfer);
	else
		curl_multi_wakeup(client->multi);
	return r;
}

int http_client_submit(struct http_client *client,
		       const struct http_request *request, http_done_fn *done,
		       void *arg)
{
	return queue_transfer(client, http_transfer_create(request, done, arg));
}

static int queue_timer_locked(struct http_client *client, struct timer *timer)
	REQUIRES(client->lock)
{
	struct timer *later;

	if (client->is_stopping)
		return -ECANCELED;
	if (client->timer_count == QUEUE_MAX)
		return -EAGAIN;
	client->timer_count++;
	DL_FOREACH (client->timers, later) {
		if (later->due_ms > timer->due_ms)
			break;
	}
	if (later)
		DL_PREPEND_ELEM(client->timers, later, timer);
	else
		DL_APPEND(client->timers, timer);
	return 0;
}

int http_client_run_later(struct http_client *client, int64_t delay_ms,
			  void (*fn)(void *arg), void *arg)
{
	struct timer *timer = calloc(1, sizeof(*timer));
	int r;

	assert(delay_ms >= 0);
	if (!timer)
		return -ENOMEM;
	timer->due_ms = clock_ms() + delay_ms;
	timer->fn = fn;
	timer->arg = arg;
	mutex_lock(&client->lock);
	r = queue_timer_locked(client, timer);
	mutex_unlock(&client->lock);
	if (r < 0)
		free(timer);
	else
		curl_multi_wakeup(client->multi);
	return r;
}

/* ---- waiting for an answer ---- */

struct call {
	struct mutex lock;
	struct condition is_over;
	/* -- protected by lock -- */
	bool is_done GUARDED;
	int result GUARDED;
	struct http_response *response GUARDED;
	struct error err GUARDED;
};

static void end_call(void *arg, int result, struct http_response *response,
		     const struct error *err)
{
	struct call *call = arg;

	mutex_lock(&call->lock);
	call->is_done = true;
	call->result = result;
	call->response = response;
	if (result < 0)
		call->err = *err;
	condition_signal(&call->is_over);
	mutex_unlock(&call->lock);
}

/* Ends: every transfer has a deadline. */
static int wait_for_call(struct call *call, struct http_response **ret,
			 struct error *err)
{
	int r;

	mutex_lock(&call->lock);
	while (!call->is_done)
		condition_wait(&call->is_over, &call->lock);
	r = call->result;
	if (r == 0)
		*ret = call->response;
	else if (err)
		*err = call->err;
	mutex_unlock(&call->lock);
	return r;
}

int http_client_call(struct http_client *client,
		     const struct http_request *request,
		     struct http_response **ret, struct error *err)
{
	struct http_transfer *transfer;
	struct call call = { 0 };
	int r;

	assert(!pthread_equal(pthread_self(), client->thread));
	mutex_init(&call.lock);
	condition_init(&call.is_over);
	transfer = http_transfer_create(request, end_call, &call);
	if (transfer)
		transfer->is_kept = true;
	r = queue_transfer(client, transfer);
	if (r == 0)
		r = wait_for_call(&call, ret, err);
	else
		error_set_errno(err, r, "cannot start a request");
	condition_fini(&call.is_over);
	mutex_fini(&call.lock);
	return r;
}

/* ---- life ---- */

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_ALL);
}

static char *copy_string(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

/* Where curl(1) and OpenSSL users say which authorities they trust. */
static void read_environment(struct http_transfer_settings *settings)
{
	settings->ca_file = copy_string(getenv("CURL_CA_BUNDLE"));
	if (!settings->ca_file)
		settings->ca_file = copy_string(getenv("SSL_CERT_FILE"));
	settings->ca_folder = copy_string(getenv("SSL_CERT_DIR"));
}

static void apply_options(struct http_client *client,
			  const struct http_client_options *options)
{
	struct http_transfer_settings *settings = &client->settings;

	client->active_per_origin_max = options->connections_per_host
						? options->connections_per_host
						: CONNECTIONS_PER_HOST_DEFAULT;
	client->active_max = options->connections_max ? options->connections_max
						      : CONNECTIONS_DEFAULT;
	settings->connect_timeout_ms = options->connect_timeout_ms
					       ? options->connect_timeout_ms
					       : CONNECT_TIMEOUT_MS_DEFAULT;
	settings->first_byte_timeout_ms =
		options->first_byte_timeout_ms ? options->first_byte_timeout_ms
					       : FIRST_BYTE_TIMEOUT_MS_DEFAULT;
	settings->progress_timeout_ms = options->progress_timeout_ms
						? options->progress_timeout_ms
						: PROGRESS_TIMEOUT_MS_DEFAULT;
	settings->user_agent = copy_string(
		options->user_agent ? options->user_agent : "lazyrun/0.1");
	read_environment(settings);
	assert(client->active_max <= CONNECTIONS_MAX);
}

/* Of a client whose thread is not running. */
static void free_client(struct http_client *client)
{
	assert(!client->active && !client->waiting);
	for (unsigned i = 0; i < client->idle_count; i++)
		curl_easy_cleanup(client->idle[i]);
	if (client->multi)
		curl_multi_cleanup(client->multi);
	if (client->share)
		curl_share_cleanup(client->share);
	free(client->idle);
	free(client->settings.user_agent);
	free(client->settings.ca_file);
	free(client->settings.ca_folder);
	mutex_fini(&client->lock);
	free(client);
}

static int prepare(struct http_client *client,
		   const struct http_client_options *options)
{
	apply_options(client, options);
	client->multi = curl_multi_init();
	client->share = curl_share_init();
	client->idle = calloc(client->active_max, sizeof(CURL *));
	if (!client->multi || !client->share || !client->idle ||
	    !client->settings.user_agent)
		return -ENOMEM;
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS,
			  (long)client->active_max);
	curl_share_setopt(client->share, CURLSHOPT_SHARE,
			  CURL_LOCK_DATA_SSL_SESSION);
	return 0;
}

int http_client_create(const struct http_client_options *options,
		       struct http_client **ret, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct http_client_options defaults = { 0 };
	struct http_client *client = calloc(1, sizeof(*client));
	int r;

	pthread_once(&once, init_curl);
	if (!client)
		return error_set(err, -ENOMEM, "out of memory");
	mutex_init(&client->lock);
	r = prepare(client, options ? options : &defaults);
	if (r == 0)
		r = thread_start(&client->thread, "network", network_thread,
				 client);
	if (r < 0) {
		free_client(client);
		return error_set_errno(err, r,
				       "cannot start the network thread");
	}
	*ret = client;
	return 0;
}

void http_client_destroy(struct http_client *client)
{
	if (!client)
		return;
	mutex_lock(&client->lock);
	client->is_stopping = true;
	mutex_unlock(&client->lock);
	curl_multi_wakeup(client->multi);
	pthread_join(client->thread, NULL);
	free_client(client);
}

void http_client_get_counters(struct http_client *client,
			      struct http_client_counters *ret)
{
	const struct http_client_counters *counters = &client->counters;

	ret->requests = __atomic_load_n(&counters->requests, __ATOMIC_RELAXED);
	ret->body_bytes =
		__atomic_load_n(&counters->body_bytes, __ATOMIC_RELAXED);
	ret->range_requests =
		__atomic_load_n(&counters->range_requests, __ATOMIC_RELAXED);
	ret->connections =
		__atomic_load_n(&counters->connections, __ATOMIC_RELAXED);
}
