/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A read is planned: which chunks hold its bytes.  With all of them at hand it
 * is answered at once; otherwise it is parked with the chunk loader, and
 * answered from its callback.  Either way the reply is gathered straight from
 * the chunks' memory or, by splice(2), files: nothing is copied here unless a
 * file is in very many pieces.  Pieces are not kept with a plan, they are
 * looked up again: a binary search costs less than the memory.
 *
 * Threads: reader threads call fs_read_answer(), the loader's workers finish().
 */
#include "fs/fs_read.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/io.h"
#include "common/le.h"
#include "fetch/chunk.h"
#include "fetch/chunk_loader.h"
#include "fs/fs_context.h"
#include "fs/fs_reply.h"
#include "index/index_file.h"

#include <assert.h>
#include <errno.h>
#include <fuse_lowlevel.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum {
	CHUNKS_MAX = CHUNK_LOADER_REQUEST_CHUNKS_MAX,
	GATHER_MAX = 64, /* parts of a reply; more are copied together */
	ZEROS_SIZE = 16384,
};

/* What holes are read from. */
static const uint8_t zeros[ZEROS_SIZE];

struct read_plan {
	uint64_t off; /* in the file */
	size_t size;  /* bytes to answer, within the file */
	uint64_t file_size;
	uint32_t inode;
	uint32_t count;
	/* on a reader thread: libfuse keeps a pipe for each thread that has
	 * spliced, until that ends, and threads of the loader outlive it */
	bool may_splice;
	uint32_t numbers[CHUNKS_MAX]; /* each chunk once, as the file has it */
};

struct parked_read {
	struct fs_parked parked; /* first: fs_park frees it */
	struct fs_context *ctx;
	struct read_plan plan;
};

static int add_number(struct read_plan *plan, uint32_t number,
		      struct error *err)
{
	for (uint32_t i = plan->count; i-- > 0;)
		if (plan->numbers[i] == number)
			return 0;
	if (plan->count == CHUNKS_MAX)
		return error_set(err, -EBADMSG,
				 "more than %d chunks within %zu bytes at "
				 "offset %" PRIu64 "; index the image again",
				 CHUNKS_MAX, plan->size, plan->off);
	plan->numbers[plan->count++] = number;
	return 0;
}

static int make_plan(const struct index_file *index, uint32_t number,
		     uint64_t off, size_t size, struct read_plan *ret,
		     struct error *err)
{
	struct index_inode inode;
	struct index_piece piece;
	uint64_t end;
	int r;

	r = index_file_get_inode(index, number, &inode);
	if (r < 0)
		return r;
	if (off > inode.size)
		off = inode.size;
	if (size > inode.size - off)
		size = (size_t)(inode.size - off);
	ret->off = off;
	ret->size = size;
	ret->file_size = inode.size;
	ret->inode = number;
	ret->count = 0;
	ret->may_splice = true;
	for (end = off + size; off < end; off += piece.size) {
		r = index_file_get_piece(index, number, off, &piece);
		if (r == 0 && piece.chunk != INDEX_NO_CHUNK)
			r = add_number(ret, piece.chunk, err);
		if (r < 0)
			return r;
		assert(piece.off == off && piece.size > 0);
	}
	return 0;
}

static const struct chunk *find_chunk(struct chunk *const *chunks, size_t count,
				      uint32_t number)
{
	for (size_t i = 0; i < count; i++)
		if (chunks[i]->number == number)
			return chunks[i];
	return NULL;
}

/* The bytes at @off that lie in one place: as many as there are. */
static int get_part(const struct index_file *index,
		    const struct read_plan *plan, uint64_t off,
		    struct chunk *const *chunks, struct fuse_buf *ret)
{
	uint64_t left = plan->off + plan->size - off;
	const struct chunk *chunk;
	struct index_piece piece;
	uint64_t size;
	int r;

	r = index_file_get_piece(index, plan->inode, off, &piece);
	if (r < 0)
		return r;
	size = piece.size < left ? piece.size : left;
	if (piece.chunk == INDEX_NO_CHUNK) {
		*ret = (struct fuse_buf){
			.mem = (void *)zeros,
			.size = size < ZEROS_SIZE ? size : ZEROS_SIZE,
		};
		return 0;
	}
	chunk = find_chunk(chunks, plan->count, piece.chunk);
	if (!chunk || !le_range_fits(piece.chunk_off, size, chunk->size))
		return -EBADMSG;
	*ret = (struct fuse_buf){ .size = size };
	if (chunk->data) {
		ret->mem = (void *)(chunk->data + piece.chunk_off);
	} else {
		ret->flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
		ret->fd = chunk->fd;
		ret->pos = chunk->file_off + (off_t)piece.chunk_off;
	}
	return 0;
}

static int copy_part(const struct fuse_buf *part, uint8_t *ret)
{
	if (part->flags & FUSE_BUF_IS_FD)
		return io_pread_full(part->fd, (uint64_t)part->pos, part->size,
				     ret);
	memcpy(ret, part->mem, part->size);
	return 0;
}

/* The way for files in very many pieces, and where splicing may not be. */
static int reply_copied(struct fs_context *ctx, struct fuse_req *req,
			const struct read_plan *plan,
			struct chunk *const *chunks)
{
	autofree uint8_t *data = malloc(plan->size);
	struct fuse_buf part;
	size_t done;
	int r;

	if (!data)
		return -ENOMEM;
	for (done = 0; done < plan->size; done += part.size) {
		r = get_part(ctx->index, plan, plan->off + done, chunks, &part);
		if (r == 0)
			r = copy_part(&part, data + done);
		if (r < 0)
			return r;
	}
	assert(done == plan->size);
	fuse_reply_buf(req, (char *)data, plan->size);
	return 0;
}

/* Memory goes by one call, files page by page of the page cache's through a
 * pipe: nothing is copied here. */
static void reply_parts(struct fuse_req *req, struct fuse_bufvec *parts)
{
	struct iovec vector[GATHER_MAX];
	size_t i;

	for (i = 0; i < parts->count; i++) {
		if (parts->buf[i].flags & FUSE_BUF_IS_FD)
			break;
		vector[i].iov_base = parts->buf[i].mem;
		vector[i].iov_len = parts->buf[i].size;
	}
	if (i == parts->count)
		fuse_reply_iov(req, vector, (int)i);
	else
		fuse_reply_data(req, parts, 0);
}

/* 0 when @req was answered, else a negative errno and it was not. */
static int reply_gathered(struct fs_context *ctx, struct fuse_req *req,
			  const struct read_plan *plan,
			  struct chunk *const *chunks)
{
	alignas(struct fuse_bufvec)
		uint8_t room[sizeof(struct fuse_bufvec) +
			     GATHER_MAX * sizeof(struct fuse_buf)];
	struct fuse_bufvec *parts = (struct fuse_bufvec *)room;
	struct fuse_buf *part;
	size_t done = 0;
	int r;

	*parts = (struct fuse_bufvec){ .count = 0 };
	while (done < plan->size) {
		if (parts->count == GATHER_MAX)
			return reply_copied(ctx, req, plan, chunks);
		part = &parts->buf[parts->count++];
		r = get_part(ctx->index, plan, plan->off + done, chunks, part);
		if (r < 0)
			return r;
		if ((part->flags & FUSE_BUF_IS_FD) && !plan->may_splice)
			return reply_copied(ctx, req, plan, chunks);
		done += part->size;
	}
	reply_parts(req, parts);
	return 0;
}

/* Answers in any case: with the bytes, or for @result < 0 with an error. */
static void finish(struct fs_context *ctx, struct fuse_req *req,
		   const struct read_plan *plan, int result,
		   struct chunk *const *chunks, const struct error *err)
{
	const struct fs_failure failure = {
		.op = "read",
		.inode = plan->inode,
		.off = plan->off,
		.size = plan->size,
	};

	if (result == 0)
		result = reply_gathered(ctx, req, plan, chunks);
	if (result < 0)
		fs_reply_failure(ctx, req, &failure, result, err);
	else
		fs_context_count(&ctx->counters.read_bytes, plan->size);
}

static void finish_parked(void *arg, int result, struct chunk *const *chunks,
			  size_t count, const struct error *err)
{
	struct parked_read *read = arg;

	if (!fs_park_take(&read->parked))
		return;
	assert(result < 0 || count == read->plan.count);
	finish(read->ctx, read->parked.req, &read->plan, result, chunks, err);
	fs_park_leave(&read->parked);
}

static void park(struct fs_context *ctx, struct fuse_req *req,
		 const struct read_plan *plan)
{
	struct parked_read *read = malloc(sizeof(*read));
	int r;

	if (!read) {
		finish(ctx, req, plan, -ENOMEM, NULL, NULL);
		return;
	}
	fs_context_count(&ctx->counters.parked, 1);
	read->ctx = ctx;
	read->plan = *plan;
	read->plan.may_splice = false;
	fs_park_add(&ctx->park, &read->parked, req);
	r = chunk_loader_request(ctx->loader, plan->numbers, plan->count,
				 CHUNK_DEMAND, finish_parked, read);
	if (r < 0) /* then the callback will not come */
		finish_parked(read, r, NULL, 0, NULL);
}

/* All of the plan's chunks, or none: CHUNK_LOADER_ABSENT or an error. */
static int load_all(struct chunk_loader *loader, const struct read_plan *plan,
		    struct chunk **ret_chunks)
{
	uint32_t count;
	int r = CHUNK_LOADER_FOUND;

	for (count = 0; count < plan->count; count++) {
		r = chunk_loader_load(loader, plan->numbers[count],
				      &ret_chunks[count]);
		if (r != CHUNK_LOADER_FOUND)
			break;
	}
	if (r == CHUNK_LOADER_FOUND)
		return r;
	while (count > 0)
		chunk_unref(ret_chunks[--count]);
	return r;
}

/* Tell the loader, for read-ahead, and whoever records a profile. */
static void note(struct fs_context *ctx, const struct read_plan *plan)
{
	uint32_t first = UINT32_MAX;
	uint32_t last = 0;
	struct index_piece piece;
	int r;

	if (ctx->options.read_observed)
		ctx->options.read_observed(ctx->options.arg, plan->inode,
					   plan->off, plan->size);
	for (uint32_t i = 0; i < plan->count; i++) {
		if (plan->numbers[i] < first)
			first = plan->numbers[i];
		if (plan->numbers[i] > last)
			last = plan->numbers[i];
	}
	if (plan->count == 0)
		return;
	r = index_file_get_piece(ctx->index, plan->inode, plan->file_size - 1,
				 &piece);
	if (r < 0 || piece.chunk == INDEX_NO_CHUNK || piece.chunk < last)
		piece.chunk = last;
	chunk_loader_note_read(ctx->loader, plan->inode, first,
			       last - first + 1, piece.chunk);
}

/* What waits for the network keeps no reader busy. */
static void note_stream(struct fs_context *ctx, const struct read_plan *plan)
{
	unsigned count = fs_streams_note(&ctx->streams, plan->inode, plan->off,
					 plan->size, clock_ms());

	__atomic_store_n(&ctx->stream_count, count, __ATOMIC_RELAXED);
}

void fs_read_answer(struct fs_context *ctx, struct fuse_req *req,
		    uint32_t inode, uint64_t off, size_t size)
{
	struct chunk *chunks[CHUNKS_MAX];
	struct error err = { 0 };
	struct read_plan plan;
	int r;

	fs_context_count(&ctx->counters.reads, 1);
	r = make_plan(ctx->index, inode, off, size, &plan, &err);
	if (r < 0) {
		const struct fs_failure failure = {
			.op = "read",
			.inode = inode,
			.off = off,
			.size = size,
		};

		fs_reply_failure(ctx, req, &failure, r, &err);
		return;
	}
	r = load_all(ctx->loader, &plan, chunks);
	if (r == CHUNK_LOADER_ABSENT) {
		park(ctx, req, &plan);
	} else {
		finish(ctx, req, &plan, r, chunks, NULL);
		for (uint32_t i = 0; r == CHUNK_LOADER_FOUND && i < plan.count;
		     i++)
			chunk_unref(chunks[i]);
		note_stream(ctx, &plan);
	}
	note(ctx, &plan);
}

int64_t fs_read_seek(const struct fs_context *ctx, uint32_t inode, uint64_t off,
		     int whence)
{
	struct index_inode file;
	struct index_piece piece;
	int r;

	assert(whence == SEEK_DATA || whence == SEEK_HOLE);
	r = index_file_get_inode(ctx->index, inode, &file);
	if (r < 0)
		return r;
	if (off >= file.size)
		return -ENXIO;
	for (; off < file.size; off += piece.size) {
		r = index_file_get_piece(ctx->index, inode, off, &piece);
		if (r < 0)
			return r;
		if ((piece.chunk == INDEX_NO_CHUNK) == (whence == SEEK_HOLE))
			return (int64_t)off;
	}
	/* every file ends in a hole, lseek(2) says */
	return whence == SEEK_HOLE ? (int64_t)file.size : -ENXIO;
}
