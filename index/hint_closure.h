/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hint_closure: the chunks that will be read when a file is used, and what it
 * needs, and what that needs: an index's hints followed from file to file.
 *
 * In the order in which a loader or an import system gets to them: depth
 * first, each file once.  Of a file whose parts are known only these; of any
 * other the whole, if it is not large, else its beginning.
 *
 * Threads: one at a time.
 */
#include "common/buffer.h"
#include "common/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct hint_closure; /* opaque */
struct hint_table;
struct index_file;

enum {
	/* of a file nobody knows the parts of: all, or the beginning */
	HINT_CLOSURE_WHOLE_SIZE = 5 << 20,
	HINT_CLOSURE_HEAD_SIZE = 128 << 10,
	HINT_CLOSURE_FILE_COUNT_MAX = 32768,
	HINT_CLOSURE_CHUNK_COUNT_MAX = 8192,
};

/** hint_closure_create() - nothing in it yet; both borrowed; NULL: no memory */
struct hint_closure *hint_closure_create(const struct index_file *index,
					 const struct hint_table *table);
void hint_closure_destroy(struct hint_closure *closure);
DEFINE_CLEANUP(struct hint_closure, hint_closure_destroy);

/**
 * hint_closure_add() - follow a file's hints
 * @inode: what is no regular file is passed over
 * @ret:   uint32_t chunks appended that no earlier call gave
 *
 * Ends quietly at the limits above, of all calls together.
 *
 * Return: 0, -EFBIG (@ret's limit), -ENOMEM, -EBADMSG (the index is damaged).
 */
int hint_closure_add(struct hint_closure *closure, uint32_t inode,
		     struct buffer *ret);

/** hint_closure_file_count() - files followed so far */
uint32_t hint_closure_file_count(const struct hint_closure *closure);
