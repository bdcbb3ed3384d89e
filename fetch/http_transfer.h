/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * http_transfer: one request of http_client's on its way through libcurl: the
 * options it is sent with, what is accepted as its answer, and its response.
 * Only http_client.c and http_exchange.c include this.
 *
 * Threads: create() and destroy() any; the rest the network thread.
 */
#include "common/error.h"
#include "fetch/curl_library.h"
#include "fetch/http_client.h"
#include "fetch/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_settings;
struct http_response_parts;

struct http_transfer {
	struct http_transfer *prev; /* in one of the client's lists */
	struct http_transfer *next;
	/* -- the request; fixed -- */
	const struct curl_library *curl;
	enum http_method method;
	char *url;
	struct url origin;
	struct curl_slist *headers;
	char *form;
	const void *upload; /* borrowed */
	size_t upload_size;
	bool has_range;
	uint64_t range_off;
	uint64_t range_size;
	uint64_t range_total;
	size_t body_size_max;
	int64_t deadline_ms;
	bool use_fresh_connection;
	struct http_watch *watch; /* borrowed; NULL: none */
	http_progress_fn *progress;
	http_done_fn *done;
	void *arg;
	bool keeps_response;
	int64_t submitted_ms;
	/* -- the network thread's -- */
	CURL *easy;	     /* borrowed from the client while active */
	int64_t started_ms;  /* given to libcurl */
	int64_t sent_ms;     /* connected, request on its way; 0: not yet */
	int64_t progress_ms; /* last byte of the body, or the head's end */
	size_t head_size;    /* bytes of header lines so far */
	bool has_head;	     /* the final status and its headers are in */
	bool is_stopped;     /* enough was read: broken off on purpose */
	bool is_cut;	     /* the body's excess is dropped, not an error */
	size_t body_limit;
	int result; /* what this side found wrong; 0 so far */
	struct error err;
	struct http_response_parts *parts; /* NULL once handed on */
};

/**
 * http_transfer_create() - copy a request
 *
 * A URL that is none makes a transfer whose result is -EINVAL already.
 * Return: NULL when out of memory.
 */
struct http_transfer *http_transfer_create(const struct curl_library *curl,
					   const struct http_request *request,
					   http_done_fn *done, void *arg);
void http_transfer_destroy(struct http_transfer *transfer);

/** http_transfer_start() - set up @easy, which is then the transfer's */
int http_transfer_start(struct http_transfer *transfer, CURL *easy,
			const struct http_settings *settings);

/**
 * http_transfer_check_time() - whether a deadline has passed
 *
 * Return: 0, or the transfer's result: -ETIMEDOUT, or what settled it before.
 */
int http_transfer_check_time(struct http_transfer *transfer, int64_t now_ms,
			     const struct http_settings *settings);

/** http_transfer_finish() - settle the result once libcurl has ended */
void http_transfer_finish(struct http_transfer *transfer, CURLcode code);

/** http_transfer_fail() - settle it from outside (-ECANCELED, -ENOMEM) */
void http_transfer_fail(struct http_transfer *transfer, int result,
			const char *why);

/** http_transfer_body_size() - bytes of body received so far */
size_t http_transfer_body_size(const struct http_transfer *transfer);

/** http_transfer_deliver() - call `done` with the settled result */
void http_transfer_deliver(struct http_transfer *transfer);
