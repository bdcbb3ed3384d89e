/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tar_scout: guesses from a tar stream, as it goes by, which parts a starting
 * program is unlikely to read: documentation, headers, tests, fonts, and Python
 * sources whose folder's __pycache__ went by before them.
 *
 * It only reads ustar headers (POSIX.1-1988 pax interchange format, "ustar"),
 * as far as they have valid checksums, and stops guessing when it meets
 * anything else.  It steers how large spans become and nothing else: a wrong
 * guess costs some bytes on the network, never a wrong byte.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TAR_SCOUT_BLOCK_SIZE = 512,
	TAR_SCOUT_PATH_SIZE = 257, /* ustar: prefix, '/', name, NUL */
	TAR_SCOUT_DEPTH_MAX = 16,
};

struct tar_scout {
	uint8_t header[TAR_SCOUT_BLOCK_SIZE];
	size_t header_size; /* bytes of the next header seen so far */
	uint64_t data_left; /* of the current entry, padding included */
	uint64_t data_size; /* the same at the entry's start */
	bool is_cold;	    /* the current entry */
	char path[TAR_SCOUT_PATH_SIZE]; /* the current entry's */
	/* Folders around it whose Python sources were seen to be compiled, the
	 * outermost first: their lengths in @path, with the '/' */
	uint16_t compiled[TAR_SCOUT_DEPTH_MAX];
	size_t compiled_count;
	bool is_lost; /* what came was no header */
};

/** tar_scout_init() - at the start of a stream */
void tar_scout_init(struct tar_scout *scout);

/**
 * tar_scout_feed() - the stream's next bytes
 *
 * Return: how many of them are data of entries that may be needed at a start;
 * all that come once the scout is lost.
 */
size_t tar_scout_feed(struct tar_scout *scout, const uint8_t *data,
		      size_t size);

/** tar_scout_is_cold_path() - the rule, by path alone */
bool tar_scout_is_cold_path(const char *path);
