/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_opening: an object with what finds its servers.
 *
 * Threads: open() and stop() any but the network thread.
 */
struct error;
struct object;
struct object_finder;
struct object_source_options;
struct pelican_object;

struct object_opening {
	struct object *object;		/* a reference; NULL: not opened */
	struct object_finder *finder;	/* NULL: of a web server */
	struct pelican_object *pelican; /* likewise */
};

/**
 * object_opening_open() - parse a URL and find the first servers
 * @ret: { 0 }; to be stopped and closed whatever is returned
 *
 * Nothing has been asked of these servers yet.  Return: 0 or as
 * object_source_open().
 */
int object_opening_open(const char *url,
			const struct object_source_options *options,
			struct object_opening *ret, struct error *err);

/** object_opening_stop() - no more servers are looked for */
void object_opening_stop(const struct object_opening *opening);

/** object_opening_close() - of one that was stopped; requests that have ended
 * may still hold the object */
void object_opening_close(struct object_opening *opening);
