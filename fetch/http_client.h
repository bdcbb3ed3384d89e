/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * http_client: HTTP(S) requests on one network thread, through libcurl's
 * multi interface.
 *
 * One request is one exchange: redirects are reported, not followed, so that
 * the caller decides what credentials go where (RFC 9110; the registry client
 * must not send Authorization to storage).  Retries are the caller's too.
 * Proxies and CA settings are those curl users expect: http_proxy,
 * https_proxy, all_proxy, no_proxy, SSL_CERT_FILE, SSL_CERT_DIR,
 * CURL_CA_BUNDLE.
 *
 * Bounds: header bytes, body bytes, connections per host, a deadline for the
 * connection, for the first byte, for progress and for the whole.
 *
 * Threads: any thread submits; `done` and timers run on the network thread and
 * must not block.
 */
#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http_client;
struct http_exchange;

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
};

struct http_header {
	const char *name;
	const char *value;
};

/*
 * What has come of a request so far, and a way to end it; it must outlive the
 * request.  The network thread's, but for is_abandoned.
 */
struct http_watch {
	uint64_t body_size;  /* bytes of the answer's body */
	int64_t progress_ms; /* when the last of them came; 0: none has */
	bool is_abandoned;   /* atomic; once set the request soon ends with
				-ECANCELED */
};

/*
 * Optional, on the network thread while the body of a range (206) comes: the
 * first @size bytes of it are in @data, which is lent for the call; @arg is
 * `done`'s.  Must be quick.  The answer may still fail.
 */
typedef void http_progress_fn(void *arg, const uint8_t *data, size_t size);

struct http_request {
	enum http_method method;
	const char *url; /* http:// or https:// */
	const struct http_header *headers;
	size_t header_count;
	const char *body; /* HTTP_POST: form fields, else NULL */
	/* HTTP_POST, HTTP_PUT: bytes to send; borrowed until `done` */
	const void *upload;
	size_t upload_size;
	bool has_range; /* ask for exactly this closed range */
	uint64_t range_off;
	uint64_t range_size;
	uint64_t range_total;	   /* size of the whole, checked against
				      Content-Range; 0 when not known */
	size_t body_size_max;	   /* a larger body is -EFBIG */
	int64_t deadline_ms;	   /* on clock_ms()'s clock; required */
	bool use_fresh_connection; /* after a fault on the kept one */
	bool keeps_headers;	   /* for http_response_find_header() */
	bool keeps_response; /* `done` takes over a response that it is given:
				http_response_destroy() */
	struct http_watch *watch;   /* NULL: none */
	http_progress_fn *progress; /* NULL: none */
};

struct http_response {
	int status;    /* 100 to 599 */
	uint8_t *body; /* NUL-terminated behind body_size; taken by
			  setting it to NULL, else freed afterwards */
	size_t body_size;
	const char *url;	    /* that was asked */
	const char *location;	    /* resolved to an absolute URL, or NULL */
	const char *content_type;   /* without parameters, or NULL */
	const char *content_digest; /* Docker-Content-Digest, or NULL */
	const char *const *challenges; /* WWW-Authenticate values, NULL-ended */
	int64_t retry_after_ms; /* from now, 0 to 60000; -1 without one */
	int64_t first_byte_ms;	/* from submission; for figures */
};

/*
 * @result: 0 with @response (any status), or
 *   -ETIMEDOUT (a deadline; @err says which) · -ECONNREFUSED, -EHOSTUNREACH
 *   (cannot connect or resolve) · -ECONNRESET (broken off) · -EPROTO (not
 *   HTTP, wrong Content-Range, wrong length, encoded body) · -EFBIG ·
 *   -EKEYREJECTED (TLS: certificate or handshake) · -EINVAL (URL) ·
 *   -ECANCELED · -ENOMEM
 * A ranged request that is answered by 200 ends as status 200 with an empty
 * body: the transfer is stopped at the header.
 */
typedef void http_done_fn(void *arg, int result, struct http_response *response,
			  const struct error *err);

struct http_client_options {
	unsigned connections_per_host; /* 0: 8 */
	unsigned connections_max;      /* 0: 32 */
	int64_t connect_timeout_ms;    /* 0: 5000 */
	int64_t first_byte_timeout_ms; /* 0: 20000 */
	int64_t progress_timeout_ms;   /* 0: 10000 without one body byte */
	const char *user_agent;	       /* NULL: lazyrun's own; copied */
	/* Optional: after each request that was sent, before its `done`, on the
	 * network thread; must be quick (fetch/http_exchange.h). */
	void (*observed)(void *arg, const struct http_exchange *exchange);
	void *observed_arg;
};

struct http_client_counters {
	uint64_t requests;	 /* sent */
	uint64_t body_bytes;	 /* received */
	uint64_t range_requests; /* of those with has_range */
	uint64_t connections;	 /* opened */
	/* shortest time that a TCP connection took to open: the round trip
	 * time; 0: none was opened */
	uint64_t rtt_us;
	/* bytes a second that bodies of 64 KiB and more come at, from their
	 * first byte to their last; an average of late; 0: none came */
	uint64_t body_rate;
};

/**
 * http_client_create() - start the network thread
 *
 * Return: 0, -EAGAIN (no thread), -ELIBACC (no libcurl), -ENOMEM.
 */
int http_client_create(const struct http_client_options *options,
		       struct http_client **ret, struct error *err);

/** http_client_destroy() - end everything (-ECANCELED), join; NULL allowed */
void http_client_destroy(struct http_client *client);
DEFINE_CLEANUP(struct http_client, http_client_destroy);

/**
 * http_client_submit() - start a request
 * @request: copied before the call returns
 *
 * At most connections_per_host requests to one origin are on their way; the
 * others wait in order.  Return: 0 and `done` will be called once; or -ENOMEM,
 * -ECANCELED (being destroyed), -EAGAIN (4096 wait already), and it will not.
 */
int http_client_submit(struct http_client *client,
		       const struct http_request *request, http_done_fn *done,
		       void *arg);

/**
 * http_client_call() - a request, waited for
 * @ret: on success with the caller; http_response_destroy() releases it
 *
 * Never from the network thread.  Return: as http_done_fn's result, or
 * -EAGAIN as http_client_submit().
 */
int http_client_call(struct http_client *client,
		     const struct http_request *request,
		     struct http_response **ret, struct error *err);
void http_response_destroy(struct http_response *response);
DEFINE_CLEANUP(struct http_response, http_response_destroy);

/**
 * http_response_find_header() - a header of an answer to a request that
 * keeps_headers
 * @name:   compared without regard to case
 * @number: 0 for the first of that name, 1 for the next line of it
 *
 * Return: its value without blanks around it, borrowed; NULL: absent.
 */
const char *http_response_find_header(const struct http_response *response,
				      const char *name, unsigned number);

/**
 * http_client_run_later() - call @fn on the network thread after @delay_ms
 *
 * Calls with the same delay come in the order they were asked for.  On
 * destroy, those still waiting are made at once.  Return: 0, -ENOMEM,
 * -ECANCELED, -EAGAIN (4096 wait already).
 */
int http_client_run_later(struct http_client *client, int64_t delay_ms,
			  void (*fn)(void *arg), void *arg);

void http_client_get_counters(struct http_client *client,
			      struct http_client_counters *ret);
