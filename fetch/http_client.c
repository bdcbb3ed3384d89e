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
#include "fetch/curl_library.h"
#include "fetch/http_counters.h"
#include "fetch/http_exchange.h"
#include "fetch/http_settings.h"
#include "fetch/http_transfer.h"
#include "fetch/timer_list.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	TICK_MS = 250,
	POLL_MS_MAX = 60000,
	QUEUE_MAX = 4096, /* requests, and as many timers */
	/*
	 * HTTP/2: more requests go to further connections.  All on one share
	 * its slow start, and what was asked for first, because it is needed
	 * first, comes when the last one does.
	 */
	STREAMS_PER_CONNECTION_MAX = 4,
};

struct http_client {
	/* -- fixed after create -- */
	const struct curl_library *curl;
	struct http_settings settings;
	CURLM *multi; /* other threads: only curl_multi_wakeup() */
	CURLSH *share;
	pthread_t thread;
	struct mutex lock;
	/* -- protected by lock -- */
	struct http_transfer *submitted GUARDED; /* oldest first */
	struct timer_list timers GUARDED;
	unsigned queued_count GUARDED; /* submitted here, not yet active */
	bool is_stopping GUARDED;
	/* -- the network thread's -- */
	struct http_transfer *waiting; /* oldest first */
	struct http_transfer *active;
	unsigned active_count;
	bool may_start; /* the waiting ones are worth a look */
	CURL **idle;	/* settings.active_max of them at most */
	unsigned idle_count;
	/* -- written by the network thread, read by any -- */
	struct http_client_counters counters;
};

/* ---- transfers, on the network thread ---- */

static CURL *take_handle(struct http_client *client)
{
	CURL *easy;

	if (client->idle_count > 0)
		return client->idle[--client->idle_count];
	easy = client->curl->curl_easy_init();
	if (easy && CURL_LIBRARY_SETOPT(client->curl, easy, CURLOPT_SHARE,
					client->share) != CURLE_OK) {
		client->curl->curl_easy_cleanup(easy);
		return NULL;
	}
	return easy;
}

static void give_handle(struct http_client *client, CURL *easy)
{
	assert(client->idle_count < client->settings.active_max);
	client->curl->curl_easy_reset(easy); /* the share stays */
	client->idle[client->idle_count++] = easy;
}

static void complete(struct http_transfer *transfer)
{
	http_transfer_deliver(transfer);
	http_transfer_destroy(transfer);
}

static void tell_observer(const struct http_client *client,
			  const struct http_transfer *transfer)
{
	struct http_exchange exchange;

	http_exchange_describe(transfer, &exchange);
	client->settings.observed(client->settings.observed_arg, &exchange);
}

static void end_active(struct http_client *client,
		       struct http_transfer *transfer, CURLcode code)
{
	CURL *easy = transfer->easy;

	http_transfer_finish(transfer, code);
	if (client->settings.observed)
		tell_observer(client, transfer);
	http_counters_note_end(&client->counters, transfer);
	client->curl->curl_multi_remove_handle(client->multi, easy);
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
	http_counters_note_start(&client->counters, transfer);
	if (http_transfer_start(transfer, easy, &client->settings) < 0 ||
	    client->curl->curl_multi_add_handle(client->multi, easy) !=
		    CURLM_OK)
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
	return count < client->settings.active_per_origin_max;
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
		if (client->active_count == client->settings.active_max)
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

	while ((message = client->curl->curl_multi_info_read(client->multi,
							     &left))) {
		CURLcode code = message->data.result;
		char *private = NULL;

		assert(message->msg == CURLMSG_DONE);
		CURL_LIBRARY_GETINFO(client->curl, message->easy_handle,
				     CURLINFO_PRIVATE, &private);
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

/* Return: milliseconds until the next one. */
static int64_t run_timers(struct http_client *client)
{
	int64_t wait_ms = POLL_MS_MAX;
	struct timer *timer;

	for (;;) {
		mutex_lock(&client->lock);
		timer = timer_list_take(
			&client->timers,
			client->is_stopping ? INT64_MAX : clock_ms(), &wait_ms);
		mutex_unlock(&client->lock);
		if (!timer)
			return wait_ms < POLL_MS_MAX ? wait_ms : POLL_MS_MAX;
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
		client->curl->curl_multi_perform(client->multi, &running);
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
		client->curl->curl_multi_poll(client->multi, NULL, 0,
					      (int)wait_ms, NULL);
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
		client->curl->curl_multi_wakeup(client->multi);
	return r;
}

int http_client_submit(struct http_client *client,
		       const struct http_request *request, http_done_fn *done,
		       void *arg)
{
	return queue_transfer(
		client, http_transfer_create(client->curl, request, done, arg));
}

static int queue_timer_locked(struct http_client *client, struct timer *timer)
	REQUIRES(client->lock)
{
	if (client->is_stopping)
		return -ECANCELED;
	if (client->timers.count == QUEUE_MAX)
		return -EAGAIN;
	timer_list_add(&client->timers, timer);
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
		client->curl->curl_multi_wakeup(client->multi);
	return r;
}

/* ---- life ---- */

/* Once libcurl is loaded. */
static void init_curl(void)
{
	const struct curl_library *curl;

	if (curl_library_load(&curl, NULL) == 0)
		curl->curl_global_init(CURL_GLOBAL_ALL);
}

/* Of a client whose thread is not running. */
static void free_client(struct http_client *client)
{
	assert(!client->active && !client->waiting);
	for (unsigned i = 0; i < client->idle_count; i++)
		client->curl->curl_easy_cleanup(client->idle[i]);
	if (client->multi)
		client->curl->curl_multi_cleanup(client->multi);
	if (client->share)
		client->curl->curl_share_cleanup(client->share);
	free(client->idle);
	http_settings_fini(&client->settings);
	mutex_fini(&client->lock);
	free(client);
}

static int prepare(struct http_client *client,
		   const struct http_client_options *options)
{
	int r = http_settings_init(&client->settings, options);

	if (r < 0)
		return r;
	client->multi = client->curl->curl_multi_init();
	client->share = client->curl->curl_share_init();
	client->idle = calloc(client->settings.active_max, sizeof(CURL *));
	if (!client->multi || !client->share || !client->idle)
		return -ENOMEM;
	client->curl->curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS,
					(long)client->settings.active_max);
	client->curl->curl_multi_setopt(client->multi,
					CURLMOPT_MAX_CONCURRENT_STREAMS,
					(long)STREAMS_PER_CONNECTION_MAX);
	client->curl->curl_share_setopt(client->share, CURLSHOPT_SHARE,
					CURL_LOCK_DATA_SSL_SESSION);
	return 0;
}

int http_client_create(const struct http_client_options *options,
		       struct http_client **ret, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct curl_library *curl;
	struct http_client *client;
	int r = curl_library_load(&curl, err);

	if (r < 0)
		return r;
	pthread_once(&once, init_curl);
	client = calloc(1, sizeof(*client));
	if (!client)
		return error_set(err, -ENOMEM, "out of memory");
	client->curl = curl;
	mutex_init(&client->lock);
	r = prepare(client, options);
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
	client->curl->curl_multi_wakeup(client->multi);
	pthread_join(client->thread, NULL);
	free_client(client);
}

void http_client_get_counters(struct http_client *client,
			      struct http_client_counters *ret)
{
	http_counters_get(&client->counters, ret);
}
