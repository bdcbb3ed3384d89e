/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * profile: what the commands run in one image have read of it: for each
 * command the ranges of blobs (chunks, as they were when it ran), in the order
 * and at the time of the first read, merged over runs.
 *
 * Ranges, not chunk numbers: an index made anew, with other spans, may still
 * use the profile.  The format is docs/profile-format.md; a profile may come
 * from anybody, so decoding checks everything.
 *
 * Bounds: PROFILE_COMMANDS_MAX commands (the least recently run one goes
 * first), PROFILE_ENTRIES_MAX ranges of each (the first read stay), and a range
 * that PROFILE_MISSED_MAX runs in a row did not read is dropped.
 *
 * Threads: none of its own; one at a time.
 */
#include "common/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum {
	PROFILE_COMMANDS_MAX = 16,
	PROFILE_ENTRIES_MAX = 16384,
	PROFILE_BLOBS_MAX = 65535,
	PROFILE_KEY_SIZE = 128, /* with the final NUL */
	PROFILE_MISSED_MAX = 4,
	PROFILE_SIZE_MAX = 12 << 20, /* encoded */
};

struct profile_entry {
	uint64_t off; /* of the range in the blob as stored */
	uint32_t size;
	uint32_t first_ms; /* first read, after the start: the least of all
			      runs */
	uint16_t blob;	   /* number in the profile's blobs */
	uint16_t seen;	   /* runs that read it, at most 65535 */
	uint16_t missed;   /* runs since the last one that did */
};

/* One command; entries are in the order of first_ms. */
struct profile_command {
	char key[PROFILE_KEY_SIZE]; /* printable; see tools/profile_key.h */
	int64_t used_s;		    /* wall clock of the last run */
	uint32_t runs;
	uint32_t entry_count;
	struct profile_entry *entries; /* owned */
};

struct profile {
	struct digest image; /* of the manifest */
	uint32_t blob_count;
	struct digest *blobs; /* owned; all zero where nobody knows */
	uint32_t command_count;
	struct profile_command commands[PROFILE_COMMANDS_MAX];
};

/** profile_init() - no commands yet; blobs are copied; 0 or -ENOMEM */
int profile_init(struct profile *profile, const struct digest *image,
		 const struct digest *blobs, uint32_t blob_count);
void profile_fini(struct profile *profile); /* all zero is fine */

/**
 * profile_decode() - from bytes
 * @ret: to be released by profile_fini(); untouched on failure
 *
 * Return: 0, -EBADMSG (no profile, damaged, or inconsistent), -ENOTSUP
 * (another version), -EFBIG, -ENOMEM; @err says which.
 */
int profile_decode(const void *data, size_t size, struct profile *ret,
		   struct error *err);

/** profile_encode() - to malloc'ed bytes; 0 or -ENOMEM */
int profile_encode(const struct profile *profile, uint8_t **ret,
		   size_t *ret_size);

/** profile_find() - the command of that very key; NULL: none */
const struct profile_command *profile_find(const struct profile *profile,
					   const char *key);

/**
 * profile_add_run() - merge what one run has read
 * @entries:    first_ms, blob, off and size set; in any order; may be changed
 * @is_partial: it may have read more than was seen (other layers answered for
 *              files): what it did not read is not held against its entry
 *
 * Return: 0 or -ENOMEM.
 */
int profile_add_run(struct profile *profile, const char *key, int64_t now_s,
		    struct profile_entry *entries, uint32_t count,
		    bool is_partial);

/**
 * profile_merge() - take over what another profile of the image knows
 *
 * Of a command that both know, the one with more runs stays.
 * Return: 0, -EINVAL (other blobs), -ENOMEM.
 */
int profile_merge(struct profile *profile, const struct profile *other);

/**
 * profile_guess() - a command that the profile does not know
 * @key: its first word names the program
 *
 * What at least half of the same program's commands read, or, when there are
 * none of those, at least half of all (of two or more).
 *
 * Return: 0 with a malloc'ed array, maybe empty; -ENOMEM.
 */
int profile_guess(const struct profile *profile, const char *key,
		  struct profile_entry **ret, uint32_t *ret_count);
