/* SPDX-License-Identifier: Apache-2.0 */
#include "index/hint_closure.h"

#include "index/hint_table.h"
#include "index/index_file.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct hint_closure {
	const struct index_file *index;
	const struct hint_table *table;
	uint8_t *has_inode; /* a bit each */
	uint8_t *has_chunk;
	uint32_t inode_count;
	uint32_t chunk_count;
	uint32_t files;	     /* followed */
	uint32_t chunks;     /* given */
	struct buffer stack; /* uint32_t: inodes to follow */
};

struct hint_closure *hint_closure_create(const struct index_file *index,
					 const struct hint_table *table)
{
	struct hint_closure *closure = calloc(1, sizeof(*closure));
	struct index_figures figures;

	if (!closure)
		return NULL;
	index_file_get_figures(index, &figures);
	closure->index = index;
	closure->table = table;
	closure->inode_count = figures.inode_count;
	closure->chunk_count = figures.chunk_count;
	closure->has_inode = calloc(figures.inode_count / 8 + 1, 1);
	closure->has_chunk = calloc(figures.chunk_count / 8 + 1, 1);
	closure->stack = (struct buffer)BUFFER_INIT(64 << 20);
	if (!closure->has_inode || !closure->has_chunk) {
		hint_closure_destroy(closure);
		return NULL;
	}
	return closure;
}

void hint_closure_destroy(struct hint_closure *closure)
{
	if (!closure)
		return;
	free(closure->has_inode);
	free(closure->has_chunk);
	buffer_fini(&closure->stack);
	free(closure);
}

uint32_t hint_closure_file_count(const struct hint_closure *closure)
{
	return closure->files;
}

/* Whether a bit was set already; it is now. */
static bool test_and_set(uint8_t *bits, uint32_t number)
{
	uint8_t bit = (uint8_t)(1 << number % 8);
	bool was_set = bits[number / 8] & bit;

	bits[number / 8] |= bit;
	return was_set;
}

static int add_range(struct hint_closure *closure, uint32_t inode, uint64_t off,
		     uint64_t end, struct buffer *ret)
{
	while (off < end && closure->chunks < HINT_CLOSURE_CHUNK_COUNT_MAX) {
		struct index_piece piece;
		int r = index_file_get_piece(closure->index, inode, off,
					     &piece);

		if (r == -ENODATA)
			return 0;
		if (r < 0)
			return r;
		off += piece.size;
		if (piece.chunk == INDEX_NO_CHUNK)
			continue;
		assert(piece.chunk < closure->chunk_count);
		if (test_and_set(closure->has_chunk, piece.chunk))
			continue;
		closure->chunks++;
		r = buffer_append(ret, &piece.chunk, sizeof(piece.chunk));
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_parts(struct hint_closure *closure,
		     const struct index_inode *inode,
		     const struct hint_record *record, struct buffer *ret)
{
	const uint64_t unit = HINT_TABLE_EXTENT_UNIT;
	uint64_t size = inode->size;
	int r = 0;

	if (!record || record->extent_count == 0) {
		if (size > HINT_CLOSURE_WHOLE_SIZE)
			size = HINT_CLOSURE_HEAD_SIZE;
		return add_range(closure, inode->number, 0, size, ret);
	}
	for (uint32_t i = 0; i < record->extent_count && r == 0; i++) {
		const struct hint_extent *extent =
			&closure->table->extents[record->first_extent + i];
		uint64_t off = extent->first * unit;
		uint64_t end = off + extent->count * unit;

		r = add_range(closure, inode->number, off,
			      end < size ? end : size, ret);
	}
	return r;
}

/* The last goes on the stack first, so that the first is followed first. */
static int push_targets(struct hint_closure *closure,
			const struct hint_record *record)
{
	int r = 0;

	for (uint32_t i = record->target_count; i-- > 0 && r == 0;) {
		uint32_t target =
			closure->table->targets[record->first_target + i];

		if (target <= closure->inode_count &&
		    !(closure->has_inode[target / 8] & 1 << target % 8))
			r = buffer_append(&closure->stack, &target,
					  sizeof(target));
	}
	return r;
}

static int follow(struct hint_closure *closure, uint32_t number,
		  struct buffer *ret)
{
	const struct hint_record *record;
	struct index_inode inode;
	int r;

	if (number == 0 || number > closure->inode_count ||
	    test_and_set(closure->has_inode, number))
		return 0;
	r = index_file_get_inode(closure->index, number, &inode);
	if (r < 0)
		return r == -ENOENT ? -EBADMSG : r;
	if (!S_ISREG(inode.mode))
		return 0;
	closure->files++;
	record = hint_table_find(closure->table, number);
	r = add_parts(closure, &inode, record, ret);
	if (r == 0 && record)
		r = push_targets(closure, record);
	return r;
}

int hint_closure_add(struct hint_closure *closure, uint32_t inode,
		     struct buffer *ret)
{
	int r = follow(closure, inode, ret);

	while (r == 0 && closure->stack.size > 0) {
		uint32_t next;

		closure->stack.size -= sizeof(next);
		memcpy(&next, closure->stack.data + closure->stack.size,
		       sizeof(next));
		if (closure->files < HINT_CLOSURE_FILE_COUNT_MAX)
			r = follow(closure, next, ret);
	}
	closure->stack.size = 0;
	return r;
}
