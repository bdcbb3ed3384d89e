/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fake_http: an HTTP server on loopback that answers from memory and can be
 * told to misbehave, one request at a time.
 *
 * A handler makes the honest answer; faults spoil how it is sent.  Whatever
 * stalls does so until the server is stopped.
 *
 * Threads: the handler runs on one thread per connection, several at once.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_http;

enum fake_fault {
	FAKE_FAULT_NONE,
	FAKE_FAULT_STATUS,	     /* another status, see fake_answer */
	FAKE_FAULT_SHORT_BODY,	     /* half of the body, then the end */
	FAKE_FAULT_LONG_BODY,	     /* more bytes than were asked for */
	FAKE_FAULT_WRONG_RANGE,	     /* Content-Range is one byte off */
	FAKE_FAULT_WRONG_TOTAL,	     /* Content-Range of a larger file */
	FAKE_FAULT_NO_TOTAL,	     /* Content-Range with "*": legal */
	FAKE_FAULT_NO_CONTENT_RANGE, /* 206 without it */
	FAKE_FAULT_IGNORE_RANGE,     /* 200 with everything */
	FAKE_FAULT_FLIP,	     /* one bit of the body is wrong */
	FAKE_FAULT_ENCODED,	     /* Content-Encoding: gzip */
	FAKE_FAULT_STALL_HEAD,	     /* accepted, never answered */
	FAKE_FAULT_STALL_BODY,	     /* half of the body, then silence */
	FAKE_FAULT_RESET,	     /* closed without an answer */
	FAKE_FAULT_BIG_HEAD,	     /* a megabyte of headers */
};

enum { FAKE_HEADERS_MAX = 8 };

struct fake_request {
	const char *method;
	const char *path;
	const char *query;	   /* decoded, "" without one */
	const char *authorization; /* NULL: none */
	const char *accept_encoding;
	const char *body; /* of a POST, else "" */
};

struct fake_answer {
	int status;
	const void *body; /* borrowed until the server is stopped */
	size_t size;
	char text[2048]; /* the body instead, when body is NULL */
	bool has_ranges; /* a Range header is honoured */
	struct {
		const char *name; /* a literal */
		char value[512];
	} headers[FAKE_HEADERS_MAX];
	unsigned header_count;
	enum fake_fault fault;
	int fault_status;	 /* of FAKE_FAULT_STATUS */
	const char *retry_after; /* with it; NULL: none; a literal */
};

typedef void fake_http_fn(void *arg, const struct fake_request *request,
			  struct fake_answer *ret);

/** fake_http_start() - NULL when it cannot */
struct fake_http *fake_http_start(fake_http_fn *handler, void *arg);

/** fake_http_start_tls() - the same with a certificate nobody trusts */
struct fake_http *fake_http_start_tls(const char *key_pem, const char *cert_pem,
				      fake_http_fn *handler, void *arg);
void fake_http_stop(struct fake_http *http);

unsigned fake_http_port(const struct fake_http *http);

/** fake_http_connection_count() - accepted so far */
unsigned fake_http_connection_count(struct fake_http *http);

void fake_answer_add_header(struct fake_answer *answer, const char *name,
			    const char *value_fmt, ...)
	__attribute__((format(printf, 3, 4)));
void fake_answer_set_text(struct fake_answer *answer, int status,
			  const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
