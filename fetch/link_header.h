/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * link_header: the links in a Link header (RFC 8288, section 3), with the
 * parameters that name duplicates of a file (RFC 6249: rel="duplicate", pri)
 * and Pelican's depth.
 *
 *	<https://cache.example:8443/ns/a>; rel="duplicate"; pri=1; depth=1,
 *<...>
 *
 * Commas within <...> and within quotes belong there.
 *
 * Threads: no shared state.
 */

enum {
	LINK_HEADER_FOUND = 0,
	LINK_HEADER_END = 1,
	LINK_HEADER_URL_SIZE = 4096, /* a longer one is passed over */
	LINK_HEADER_REL_SIZE = 64,
};

struct link_header {
	char url[LINK_HEADER_URL_SIZE]; /* no control characters, no blanks */
	char rel[LINK_HEADER_REL_SIZE]; /* "" without one */
	unsigned pri;	/* the lower the better; 999999 without */
	unsigned depth; /* 0 without */
};

/**
 * link_header_next() - the next well-formed link
 * @cursor: into the header's value; moved behind the link
 *
 * What is malformed is passed over, up to the next comma.  Return:
 * LINK_HEADER_FOUND or LINK_HEADER_END.
 */
int link_header_next(const char **cursor, struct link_header *ret);
