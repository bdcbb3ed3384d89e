/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_streams.h"

#include <stdbool.h>
#include <string.h>

void fs_streams_init(struct fs_streams *streams)
{
	memset(streams, 0, sizeof(*streams));
	mutex_init(&streams->lock);
}

void fs_streams_fini(struct fs_streams *streams)
{
	mutex_fini(&streams->lock);
}

static bool goes_on(const struct fs_stream *stream, uint32_t inode,
		    uint64_t off)
{
	uint64_t gap =
		off < stream->end ? stream->end - off : off - stream->end;

	return stream->inode == inode && gap <= FS_STREAMS_GAP_MAX;
}

/* The one that goes on here, or a fresh one in the place of the oldest. */
static struct fs_stream *get_stream_locked(struct fs_streams *streams,
					   uint32_t inode, uint64_t off)
	REQUIRES(streams->lock)
{
	struct fs_stream *oldest = &streams->streams[0];

	for (size_t i = 0; i < FS_STREAMS_MAX; i++) {
		struct fs_stream *stream = &streams->streams[i];

		if (goes_on(stream, inode, off))
			return stream;
		if (stream->seen_ms < oldest->seen_ms)
			oldest = stream;
	}
	*oldest = (struct fs_stream){ .inode = inode, .end = off };
	return oldest;
}

static unsigned count_locked(const struct fs_streams *streams, int64_t now_ms)
	REQUIRES(streams->lock)
{
	unsigned count = 0;

	for (size_t i = 0; i < FS_STREAMS_MAX; i++) {
		const struct fs_stream *stream = &streams->streams[i];

		count += stream->run >= FS_STREAMS_RUN_MIN &&
			 stream->returns >= FS_STREAMS_RETURNS_MIN &&
			 now_ms - stream->seen_ms <= FS_STREAMS_PAUSE_MAX_MS;
	}
	return count;
}

unsigned fs_streams_note(struct fs_streams *streams, uint32_t inode,
			 uint64_t off, size_t size, int64_t now_ms)
{
	struct fs_stream *stream;
	unsigned count;

	mutex_lock(&streams->lock);
	stream = get_stream_locked(streams, inode, off);
	if (off + size > stream->end)
		stream->end = off + size;
	stream->run += size;
	stream->seen_ms = now_ms;
	if (stream != streams->last)
		stream->returns++;
	streams->last = stream;
	count = count_locked(streams, now_ms);
	mutex_unlock(&streams->lock);
	return count;
}
