/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/session_loader.h"

#include "common/error.h"
#include "fetch/chunk_loader.h"
#include "fetch/chunk_touches.h"
#include "fetch/range_source.h"
#include "image/image.h"
#include "index/index_file.h"
#include "tools/command.h"
#include "tools/session.h"
#include "tools/session_http.h"
#include "tools/session_state.h"

#include <errno.h>
#include <stdlib.h>

enum { READ_TIMEOUT_MS_MAX = 24 * 3600 * 1000 };

int session_open_loader(struct session *session, struct error *err)
{
	uint64_t read_timeout_ms = session->options->read_timeout_ms;
	/* Together with what malloc() keeps, under 64 MiB of private memory
	 * while a whole image is read (tests/integration/08-figures.sh). */
	struct chunk_loader_options options = {
		.memory_size = 12 << 20,
		.flight_size_max = 10 << 20,
		.flight_size_wide = 32 << 20,
		.profile_flight_size = 20 << 20,
		.profile_requests_max = 12,
		.deadline_ms = read_timeout_ms < READ_TIMEOUT_MS_MAX
				       ? (int64_t)read_timeout_ms
				       : READ_TIMEOUT_MS_MAX,
		.may_stream = !session->options->is_lazy_only,
		.get_link = session_http_get_link,
		.link_arg = session,
	};
	uint32_t count = image_manifest(session->image)->layer_count;
	int r;

	session->touches =
		chunk_touches_create(index_file_chunks(session->index)->count);
	options.touches = session->touches;
	session->sources = calloc(count + 1, sizeof(struct range_source *));
	if (!session->touches || !session->sources)
		return error_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		r = image_open_layer(session->image, i, &session->sources[i],
				     err);
		if (r < 0)
			return r;
		session->source_count++;
	}
	return chunk_loader_create(index_file_chunks(session->index),
				   session->sources, session->source_count,
				   session->cache, &options, &session->loader,
				   err);
}

void session_loader_close(struct session *session)
{
	chunk_loader_destroy(session->loader);
	chunk_touches_destroy(session->touches);
	for (uint32_t i = 0; i < session->source_count; i++)
		range_source_destroy(session->sources[i]);
	free(session->sources);
}

struct chunk_loader *session_loader(struct session *session)
{
	return session->loader;
}

struct chunk_touches *session_touches(struct session *session)
{
	return session->touches;
}
