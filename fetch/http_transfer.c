/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transfer is judged when its head is complete, before a byte of its body
 * is taken: a range must be the one asked for, of the size asked for, not
 * encoded; a whole file in place of a range is broken off there.  The body of
 * a range goes into one buffer of its size.  Bodies of errors are for people:
 * up to 64 KiB of them are kept, and their faults do not matter (a registry was
 * seen to answer 416 with the length of the whole blob and 33 bytes).
 */
#include "fetch/http_transfer.h"

#include "common/clock.h"
#include "fetch/curl_library.h"
#include "fetch/http_failure.h"
#include "fetch/http_range.h"
#include "fetch/http_response.h"
#include "fetch/http_settings.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEAD_SIZE_MAX = 128 << 10,
	ERROR_BODY_SIZE_MAX = 64 << 10,
	RECEIVE_SIZE = 128 << 10, /* per recv(); libcurl's default is 16 KiB */
	/* an answer is waited for longer when much has to be sent first */
	UPLOAD_BYTES_PER_MS_MIN = 32,
};

void http_transfer_fail(struct http_transfer *transfer, int result,
			const char *why)
{
	char shown[URL_REDACTED_SIZE];

	assert(result < 0);
	url_redact(transfer->url, shown);
	transfer->result =
		error_set(&transfer->err, result, "%s: %s", shown, why);
}

/* ---- the answer ---- */

static int check_range_head(const struct http_transfer *transfer,
			    uint64_t announced, struct error *err)
{
	const struct http_response_parts *parts = transfer->parts;
	int r;

	r = http_range_check(parts->content_range, transfer->range_off,
			     transfer->range_size, transfer->range_total, err);
	if (r == 0 && parts->content_length &&
	    announced != transfer->range_size)
		r = error_set(err, -EPROTO,
			      "asked for %" PRIu64 " bytes, %" PRIu64
			      " announced",
			      transfer->range_size, announced);
	return r;
}

static int check_body_head(const struct http_transfer *transfer,
			   uint64_t *ret_size, struct error *err)
{
	const struct http_response_parts *parts = transfer->parts;
	uint64_t size = transfer->has_range ? transfer->range_size : 0;
	int r = 0;

	if (http_response_is_encoded(parts))
		return error_set(err, -EPROTO,
				 "the answer is encoded (Content-Encoding), "
				 "which was not asked for");
	if (parts->content_length &&
	    http_range_parse_size(parts->content_length, &size) < 0)
		return error_set(err, -EPROTO, "malformed Content-Length");
	if (transfer->has_range)
		r = check_range_head(transfer, size, err);
	else if (size > transfer->body_limit && transfer->method != HTTP_HEAD)
		r = error_set(err, -EFBIG,
			      "%" PRIu64 " bytes, more than the %zu allowed",
			      size, transfer->body_limit);
	if (r == 0)
		*ret_size = size;
	return r;
}

static bool accept_body(struct http_transfer *transfer)
{
	struct error err = { 0 };
	uint64_t size = 0;
	int r;

	transfer->body_limit = transfer->has_range
				       ? (size_t)transfer->range_size
				       : transfer->body_size_max;
	r = check_body_head(transfer, &size, &err);
	if (r < 0)
		http_transfer_fail(transfer, r, err.text);
	else if (transfer->method != HTTP_HEAD &&
		 http_response_reserve(transfer->parts, (size_t)size) < 0)
		http_transfer_fail(transfer, -ENOMEM, "out of memory");
	return transfer->result == 0;
}

/* Return: whether the body is wanted. */
static bool end_head(struct http_transfer *transfer)
{
	struct http_response *response = &transfer->parts->response;
	int64_t now_ms = clock_ms();
	long status = 0;

	CURL_LIBRARY_GETINFO(transfer->curl, transfer->easy,
			     CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return true; /* 1xx: the real one follows */
	transfer->has_head = true;
	transfer->progress_ms = now_ms;
	response->status = (int)status;
	response->first_byte_ms = now_ms - transfer->submitted_ms;
	if (transfer->has_range && status == 200) {
		transfer->is_stopped = true;
		return false;
	}
	if (!transfer->has_range && status == 206) {
		http_transfer_fail(transfer, -EPROTO,
				   "a part of the file came where the whole "
				   "was asked for");
		return false;
	}
	if (status == 206 || (status < 300 && !transfer->has_range))
		return accept_body(transfer);
	transfer->body_limit = ERROR_BODY_SIZE_MAX;
	transfer->is_cut = true;
	return true;
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
	struct http_transfer *transfer = arg;
	size_t len = size * count;
	bool go_on = true;

	if (transfer->has_head)
		return len; /* a trailer: nothing in it is used */
	transfer->head_size += len;
	if (transfer->head_size > HEAD_SIZE_MAX)
		http_transfer_fail(transfer, -EFBIG,
				   "too many header bytes in the answer");
	else if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
		http_response_clear_head(transfer->parts);
	else if (line[0] == '\r' || line[0] == '\n')
		go_on = end_head(transfer);
	else if (http_response_add_header(transfer->parts, line, len) < 0)
		http_transfer_fail(transfer, -ENOMEM, "out of memory");
	return go_on && transfer->result == 0 ? len : 0;
}

static void refuse_excess(struct http_transfer *transfer)
{
	if (transfer->has_range)
		http_transfer_fail(transfer, -EPROTO,
				   "more bytes came than were asked for");
	else
		http_transfer_fail(transfer, -EFBIG,
				   "the answer is larger than allowed");
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_transfer *transfer = arg;
	size_t limit = transfer->body_limit;
	size_t room = limit - transfer->parts->response.body_size;
	size_t len = size * count;
	size_t taken = len < room ? len : room;

	assert(transfer->has_head);
	transfer->progress_ms = clock_ms();
	if (taken < len && !transfer->is_cut) {
		refuse_excess(transfer);
		return 0;
	}
	if (http_response_append(transfer->parts, data, taken, limit) < 0) {
		http_transfer_fail(transfer, -ENOMEM, "out of memory");
		return 0;
	}
	transfer->is_stopped = taken < len;
	if (transfer->watch) {
		transfer->watch->body_size += taken;
		transfer->watch->progress_ms = transfer->progress_ms;
	}
	if (transfer->progress && transfer->has_range && !transfer->is_cut)
		transfer->progress(transfer->arg,
				   transfer->parts->response.body,
				   transfer->parts->response.body_size);
	return taken;
}

static int on_connected(void *arg, char *peer_ip, char *local_ip, int peer_port,
			int local_port)
{
	struct http_transfer *transfer = arg;

	(void)peer_ip;
	(void)local_ip;
	(void)peer_port;
	(void)local_port;
	transfer->sent_ms = clock_ms();
	return CURL_PREREQFUNC_OK;
}

/* ---- the request ---- */

static bool add_header(struct http_transfer *transfer, const char *name,
		       const char *value)
{
	struct curl_slist *list;
	autofree char *line = NULL;

	if (asprintf(&line, "%s: %s", name, value) < 0) {
		line = NULL;
		return false;
	}
	list = transfer->curl->curl_slist_append(transfer->headers, line);
	if (!list)
		return false;
	transfer->headers = list;
	return true;
}

static bool copy_strings(struct http_transfer *transfer,
			 const struct http_request *request)
{
	transfer->url = strdup(request->url);
	if (!transfer->url)
		return false;
	if (request->body) {
		transfer->form = strdup(request->body);
		if (!transfer->form)
			return false;
	}
	/* Offsets are into the file, not into a compressed form of it. */
	if (!add_header(transfer, "Accept-Encoding", "identity"))
		return false;
	/* nothing is gained by waiting for a "100 Continue" */
	if (request->upload && !add_header(transfer, "Expect", ""))
		return false;
	for (size_t i = 0; i < request->header_count; i++)
		if (!add_header(transfer, request->headers[i].name,
				request->headers[i].value))
			return false;
	transfer->parts = http_response_create(request->url);
	return transfer->parts;
}

struct http_transfer *http_transfer_create(const struct curl_library *curl,
					   const struct http_request *request,
					   http_done_fn *done, void *arg)
{
	struct http_transfer *transfer = calloc(1, sizeof(*transfer));
	int r = -ENOMEM;

	assert(request->deadline_ms > 0);
	assert(!request->has_range || request->range_size > 0);
	assert(!request->body || request->method == HTTP_POST);
	assert(!request->upload || request->method == HTTP_POST ||
	       request->method == HTTP_PUT);
	if (!transfer)
		return NULL;
	transfer->curl = curl;
	transfer->method = request->method;
	transfer->upload = request->upload;
	transfer->upload_size = request->upload_size;
	transfer->has_range = request->has_range;
	transfer->range_off = request->range_off;
	transfer->range_size = request->range_size;
	transfer->range_total = request->range_total;
	transfer->body_size_max = request->body_size_max;
	transfer->deadline_ms = request->deadline_ms;
	transfer->use_fresh_connection = request->use_fresh_connection;
	transfer->keeps_response = request->keeps_response;
	transfer->watch = request->watch;
	transfer->progress = request->progress;
	transfer->done = done;
	transfer->arg = arg;
	transfer->submitted_ms = clock_ms();
	if (copy_strings(transfer, request))
		r = url_parse(transfer->url, &transfer->origin);
	if (transfer->parts)
		transfer->parts->keeps_headers = request->keeps_headers;
	if (r == -ENOMEM) {
		http_transfer_destroy(transfer);
		return NULL;
	}
	if (r < 0)
		http_transfer_fail(transfer, r, "not an http or https URL");
	return transfer;
}

void http_transfer_destroy(struct http_transfer *transfer)
{
	if (!transfer)
		return;
	assert(!transfer->easy);
	if (transfer->parts)
		http_response_destroy(&transfer->parts->response);
	transfer->curl->curl_slist_free_all(transfer->headers);
	url_fini(&transfer->origin);
	free(transfer->form);
	free(transfer->url);
	free(transfer);
}

static CURLcode set_connection(CURL *easy, const struct http_transfer *transfer,
			       const struct http_settings *settings)
{
	const struct curl_library *curl = transfer->curl;
	CURLcode code = CURLE_OK;

	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_NOSIGNAL, 1L);
	/* A resolver that hangs must not hold up the network thread. */
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_QUICK_EXIT, 1L);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_HTTP_VERSION,
			    (long)CURL_HTTP_VERSION_2TLS);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_SSLVERSION,
			    (long)CURL_SSLVERSION_TLSv1_2);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_TCP_KEEPALIVE, 1L);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_SIZE);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_CONNECTTIMEOUT_MS,
			    (long)settings->connect_timeout_ms);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_FRESH_CONNECT,
			    transfer->use_fresh_connection ? 1L : 0L);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	/* A proxy has no way to this machine's loopback. */
	if (url_host_is_loopback(transfer->origin.host))
		code = CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_PROXY, "");
	if (code == CURLE_OK && settings->ca_file)
		code = CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_CAINFO,
					   settings->ca_file);
	if (code == CURLE_OK && settings->ca_folder)
		code = CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_CAPATH,
					   settings->ca_folder);
	return code;
}

/* libcurl sends a body by its own POST, whatever the method is called. */
static void set_upload(CURL *easy, const struct http_transfer *transfer)
{
	const struct curl_library *curl = transfer->curl;
	const void *data = transfer->form ? transfer->form : "";

	if (transfer->upload)
		data = transfer->upload;
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_POST, 1L);
	if (transfer->upload)
		CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_POSTFIELDSIZE_LARGE,
				    (curl_off_t)transfer->upload_size);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_POSTFIELDS, data);
	if (transfer->method == HTTP_PUT)
		CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_CUSTOMREQUEST, "PUT");
}

static CURLcode set_request(CURL *easy, const struct http_transfer *transfer,
			    const struct http_settings *settings)
{
	const struct curl_library *curl = transfer->curl;
	char range[48];
	CURLcode code;

	code = CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_URL, transfer->url);
	if (code == CURLE_OK)
		code = CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_PROTOCOLS_STR,
					   "http,https");
	if (code == CURLE_OK)
		code = CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_USERAGENT,
					   settings->user_agent);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_HTTPHEADER, transfer->headers);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_HTTP09_ALLOWED, 0L);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_FOLLOWLOCATION, 0L);
	if (transfer->method == HTTP_HEAD)
		CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_NOBODY, 1L);
	if (transfer->method == HTTP_POST || transfer->method == HTTP_PUT)
		set_upload(easy, transfer);
	if (code == CURLE_OK && transfer->has_range) {
		snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64,
			 transfer->range_off,
			 transfer->range_off + transfer->range_size - 1);
		code = CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_RANGE, range);
	}
	return code;
}

int http_transfer_start(struct http_transfer *transfer, CURL *easy,
			const struct http_settings *settings)
{
	const struct curl_library *curl = transfer->curl;

	assert(!transfer->easy && transfer->result == 0);
	transfer->easy = easy;
	transfer->started_ms = clock_ms();
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_PRIVATE, transfer);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_HEADERFUNCTION, on_header);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_HEADERDATA, transfer);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_WRITEFUNCTION, on_body);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_WRITEDATA, transfer);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_PREREQFUNCTION, on_connected);
	CURL_LIBRARY_SETOPT(curl, easy, CURLOPT_PREREQDATA, transfer);
	if (set_connection(easy, transfer, settings) != CURLE_OK ||
	    set_request(easy, transfer, settings) != CURLE_OK) {
		http_transfer_fail(transfer, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	return 0;
}

/* ---- the end ---- */

int http_transfer_check_time(struct http_transfer *transfer, int64_t now_ms,
			     const struct http_settings *settings)
{
	const struct http_watch *watch = transfer->watch;
	const char *why = NULL;

	if (transfer->result < 0)
		return transfer->result;
	if (watch && __atomic_load_n(&watch->is_abandoned, __ATOMIC_ACQUIRE)) {
		http_transfer_fail(transfer, -ECANCELED, "canceled");
		return -ECANCELED;
	}
	if (now_ms >= transfer->deadline_ms)
		why = "no complete answer before the deadline";
	else if (!transfer->easy)
		return 0;
	else if (transfer->has_head &&
		 now_ms - transfer->progress_ms > settings->progress_timeout_ms)
		why = "the server has stopped sending in the middle of its "
		      "answer";
	else if (!transfer->has_head && transfer->sent_ms &&
		 now_ms - transfer->sent_ms >
			 settings->first_byte_timeout_ms +
				 (int64_t)(transfer->upload_size /
					   UPLOAD_BYTES_PER_MS_MIN))
		why = "connected, but the server does not answer";
	if (!why)
		return 0;
	http_transfer_fail(transfer, -ETIMEDOUT, why);
	return -ETIMEDOUT;
}

static void complete_response(struct http_transfer *transfer)
{
	curl_off_t retry_after_s = 0;

	CURL_LIBRARY_GETINFO(transfer->curl, transfer->easy,
			     CURLINFO_RETRY_AFTER, &retry_after_s);
	if (http_response_complete(transfer->parts, retry_after_s) < 0)
		http_transfer_fail(transfer, -ENOMEM, "out of memory");
}

void http_transfer_finish(struct http_transfer *transfer, CURLcode code)
{
	bool is_whole = transfer->is_stopped || code == CURLE_OK;
	const char *why = NULL;
	int r;

	if (transfer->result < 0)
		return;
	if (!is_whole && !(transfer->has_head && transfer->is_cut)) {
		r = http_failure_explain(transfer->curl, transfer->easy, code,
					 transfer->has_head, &why);
		http_transfer_fail(transfer, r, why);
		return;
	}
	if (!transfer->has_head) {
		http_transfer_fail(transfer, -EPROTO, "no answer in HTTP");
		return;
	}
	if (transfer->has_range && transfer->parts->response.status == 206 &&
	    transfer->parts->response.body_size != transfer->range_size) {
		http_transfer_fail(transfer, -EPROTO,
				   "fewer bytes came than were asked for");
		return;
	}
	complete_response(transfer);
}

size_t http_transfer_body_size(const struct http_transfer *transfer)
{
	return transfer->parts->response.body_size;
}

void http_transfer_deliver(struct http_transfer *transfer)
{
	struct http_response *response = NULL;

	assert(!transfer->easy);
	if (transfer->result == 0)
		response = &transfer->parts->response;
	if (transfer->keeps_response && response)
		transfer->parts = NULL;
	transfer->done(transfer->arg, transfer->result, response,
		       &transfer->err);
}
