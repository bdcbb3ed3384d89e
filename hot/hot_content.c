/* SPDX-License-Identifier: Apache-2.0 */
#include "hot/hot_content.h"

#include "common/cleanup.h"
#include "common/le.h"
#include "fetch/chunk.h"
#include "fetch/chunk_loader.h"
#include "index/index_file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

bool hot_content_is_complete(const struct index_file *index,
			     struct chunk_loader *loader, uint32_t inode)
{
	struct index_piece piece = { .chunk = INDEX_NO_CHUNK };
	uint32_t last = INDEX_NO_CHUNK;
	uint64_t off = 0;
	int r;

	for (;;) {
		r = index_file_get_piece(index, inode, off, &piece);
		if (r == -ENODATA)
			return true;
		if (r < 0)
			return false;
		if (piece.chunk != INDEX_NO_CHUNK && piece.chunk != last &&
		    !chunk_loader_has(loader, piece.chunk))
			return false;
		last = piece.chunk;
		off += piece.size;
	}
}

static int write_at(int fd, const uint8_t *data, size_t size, uint64_t off)
{
	while (size) {
		ssize_t n = pwrite(fd, data, size, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		off += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

/* By one write: what the page cache then holds is in large folios, and read
 * the faster. */
static int copy_piece(const struct chunk *chunk,
		      const struct index_piece *piece, int fd)
{
	autofree uint8_t *data = NULL;
	int r;

	if (!le_range_fits(piece->chunk_off, piece->size, chunk->size))
		return -EBADMSG;
	if (chunk->data)
		return write_at(fd, chunk->data + piece->chunk_off, piece->size,
				piece->off);
	data = malloc(piece->size);
	if (!data)
		return -ENOMEM;
	r = chunk_read(chunk, piece->chunk_off, piece->size, data);
	return r < 0 ? r : write_at(fd, data, piece->size, piece->off);
}

static int write_piece(struct chunk_loader *loader,
		       const struct index_piece *piece, bool may_fetch, int fd)
{
	CLEANUP(chunk_unrefp) struct chunk *chunk = NULL;
	int r = chunk_loader_load(loader, piece->chunk, &chunk);

	if (r == CHUNK_LOADER_ABSENT && may_fetch &&
	    chunk_loader_get(loader, piece->chunk, &chunk, NULL) == 0)
		r = CHUNK_LOADER_FOUND;
	if (r == CHUNK_LOADER_ABSENT)
		return -ENODATA;
	if (r < 0)
		return r;
	return copy_piece(chunk, piece, fd);
}

int hot_content_write(const struct index_file *index,
		      struct chunk_loader *loader, uint32_t inode,
		      uint64_t size, bool may_fetch, int fd)
{
	struct index_piece piece;
	uint64_t off = 0;
	int r;

	if (ftruncate(fd, (off_t)size) < 0)
		return -errno;
	for (; off < size; off += piece.size) {
		r = index_file_get_piece(index, inode, off, &piece);
		if (r < 0)
			return r == -ENODATA ? -EBADMSG : r;
		if (piece.chunk == INDEX_NO_CHUNK)
			continue;
		r = write_piece(loader, &piece, may_fetch, fd);
		if (r < 0)
			return r;
	}
	return 0;
}
