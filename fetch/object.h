/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object: one object (a SIF file, say) and the servers that have it: where to
 * ask next, who has failed, who gave wrong bytes.  What all requests for it
 * share; object_source.h is the door.
 *
 * Health belongs to a server and this object together: a cache may stall for
 * one cold object while it serves others at once.
 *
 *	2 failures in a row   asked after all others, the origin too, for 30 s;
 *			      and if it fails then, 60, 120, 240 s
 *	wrong bytes           never asked for this object again; a lone server
 *	                      (a plain web server) is, by a new connection
 *	unfit                 never asked again: answers ranges with the whole,
 *	                      or has another object under this name
 *
 * Reference counted: a request may outlive the source that started it.
 *
 * Threads: any; one lock, a leaf.
 */
#include "common/thread.h"
#include "fetch/object_identity.h"
#include "fetch/registry_redirect.h"
#include "fetch/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http_client;
struct http_response;
struct object_finder;

enum {
	OBJECT_SERVERS_MAX = 16,
	OBJECT_SERVED_MAX = 64, /* answers whose sender is remembered */
	OBJECT_NO_SERVER = 1,
	OBJECT_NOTE_SIZE = 768,
};

struct object_server {
	char *url;	/* of the object there; owned */
	bool is_direct; /* the origin, which caches are to spare */
	bool is_bad;
	bool is_unfit;
	unsigned failures; /* in a row */
	unsigned rests;	   /* in a row: each is twice as long */
	int64_t rest_ms;   /* demoted until then */
	/* where it sends its readers, for as long as that holds */
	struct registry_redirect redirect;
};

struct object_served {
	uint64_t off;
	size_t size;
	int server;
};

struct object {
	/* -- fixed -- */
	struct http_client *client; /* borrowed */
	char *name;		    /* canonical; for people too */
	/* to find more servers; NULL: there are none.  Borrowed: its owner
	 * stops it before it goes. */
	struct object_finder *finder;
	unsigned refs; /* atomic */
	struct mutex lock;
	/* -- protected by lock -- */
	struct object_server servers[OBJECT_SERVERS_MAX] GUARDED;
	unsigned server_count GUARDED;
	bool has_identity GUARDED;
	struct object_identity identity GUARDED;
	char *validating_url GUARDED; /* that gave it */
	bool has_changed GUARDED;
	bool is_suspect GUARDED;       /* a lone server gave wrong bytes */
	char *authorization GUARDED;   /* for its servers; NULL: none */
	int64_t token_until_s GUARDED; /* since 1970 */
	char token_note[OBJECT_NOTE_SIZE] GUARDED;
	char stale_note[OBJECT_NOTE_SIZE] GUARDED; /* "" while none was */
	struct object_served served[OBJECT_SERVED_MAX] GUARDED; /* a ring */
	unsigned served_count GUARDED;
};

/** object_create() - one reference, no servers; NULL: no memory */
struct object *object_create(struct http_client *client, const char *name);
struct object *object_ref(struct object *object);
void object_unref(struct object *object); /* NULL is allowed */

/**
 * object_add_server() - behind those there, unless it is there already
 *
 * Its number never changes.  Return: 0, -ENOMEM, -ENOSPC (too many).
 */
int object_add_server(struct object *object, const char *url, bool is_direct);

struct object_choice {
	int server;
	char *url;	    /* where exactly; the caller frees */
	bool is_fresh;	    /* to be asked by a new connection */
	bool is_remembered; /* url is where an earlier redirect led */
};

/**
 * object_choose_server() - whom to ask next
 * @tried: bit by number: not these
 *
 * Healthy caches in their order, then direct servers, then what rests after
 * failures; after two caches gave wrong bytes, direct servers first.
 *
 * Return: 0; OBJECT_NO_SERVER; or -ENOMEM.
 */
int object_choose_server(struct object *object, uint32_t tried, int64_t now_ms,
			 struct object_choice *ret);

/** object_copy_url() - a server's own; malloc'ed, NULL when out of memory */
char *object_copy_url(struct object *object, int server);

/** object_wants_direct() - caches gave wrong bytes, and no origin is known */
bool object_wants_direct(struct object *object);

/** object_has_direct() - whether an origin is known */
bool object_has_direct(struct object *object);

/** object_explain_none() - why object_choose_server() knows no server at all;
 * -ESTALE or -EIO, @err set */
int object_explain_none(struct object *object, struct error *err);

/**
 * object_set_authorization() - the value of a header for its servers
 * @note: what to say when they refuse it
 *
 * Return: 0 or -ENOMEM.
 */
int object_set_authorization(struct object *object, const char *value,
			     int64_t until_s, const char *note);

/**
 * object_copy_authorization() - for a request to a server of the object
 * @url: where it goes: nothing is given to other hosts than the server's, and
 *       nothing by plain http but on loopback
 * @ret: malloc'ed, or NULL: none
 *
 * Return: 0 or -ENOMEM.
 */
int object_copy_authorization(struct object *object, int server,
			      const char *url, char **ret);

/** object_token_is_ending() - within a minute: time to look for a newer one */
bool object_token_is_ending(struct object *object, int64_t wall_s);

/** object_copy_token_note() - "" when there is no token */
void object_copy_token_note(struct object *object, char ret[OBJECT_NOTE_SIZE]);

enum object_verdict {
	OBJECT_SERVER_GOOD,
	OBJECT_SERVER_FAILED, /* may pass */
	OBJECT_SERVER_UNFIT,
};

/** object_judge() - what became of asking a server */
void object_judge(struct object *object, int server,
		  enum object_verdict verdict, int64_t now_ms);

/** object_note_redirect() - @url NULL: forget it */
void object_note_redirect(struct object *object, int server, const char *url,
			  int64_t now_ms, int64_t wall_s);

/** object_note_served() - who sent a range, for object_report_bad() */
void object_note_served(struct object *object, int server, uint64_t off,
			size_t size);

/** object_report_bad() - the latest sender of this range sent wrong bytes */
void object_report_bad(struct object *object, uint64_t off, size_t size);

/** object_find_sender() - the URL of who sent a range last, for people; false:
 * not remembered */
bool object_find_sender(struct object *object, uint64_t off, size_t size,
			char ret[URL_REDACTED_SIZE]);

/**
 * object_accept() - whether a 206 answer is of the object that was opened
 *
 * The first one settles what the object is: its size, which the answer must
 * tell then, and its validators.  Those of a later answer are compared when
 * they come from the same host: others may count differently.
 *
 * Return: 0; -EPROTO (no size told); -ESTALE (another size, another ETag,
 * another time), @err naming both.
 */
int object_accept(struct object *object, const struct http_response *response,
		  struct error *err);

/** object_check_unchanged() - 0, or -ESTALE once a lone server's object has
 * changed */
int object_check_unchanged(struct object *object, struct error *err);

/**
 * object_copy_identity() - of an object that has one
 *
 * Return: 0 or -ENOMEM; object_identity_fini() releases it.
 */
int object_copy_identity(struct object *object, struct object_identity *ret);
