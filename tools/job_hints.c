/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_hints.h"

#include "common/buffer.h"
#include "common/error.h"
#include "common/log.h"
#include "fetch/chunk_touches.h"
#include "fetch/profile_chunks.h"
#include "image/image.h"
#include "image/image_config.h"
#include "index/hint_closure.h"
#include "index/hint_table.h"
#include "index/index_file.h"
#include "tools/command_files.h"
#include "tools/hint_follower.h"
#include "tools/session.h"
#include "tools/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What hints miss comes one by one, when it is read: of a Python's start some
 * six ranges (docs/hints.md). */
enum { RANGES_SPARE = 6 };

struct job_hints {
	struct session *session;
	struct hint_table table;
	struct hint_closure *closure;	/* the follower's, once there is one */
	struct hint_follower *follower; /* NULL: no thread */
	struct profile_player *player;	/* NULL: the command told nothing */
};

/* Inodes of the command's files. */
static int find_files(const struct job_hints *hints, const char *const *argv,
		      struct buffer *ret)
{
	const struct image_config *config =
		image_config(session_image(hints->session));

	return command_files_find(session_index(hints->session), argv,
				  (const char *const *)config->env, ret);
}

/* The chunks that the command's files need, in the order of need. */
static int find_chunks(struct job_hints *hints, const char *const *argv,
		       struct buffer *ret)
{
	struct buffer files CLEANUP(buffer_fini) =
		BUFFER_INIT(COMMAND_FILES_MAX * sizeof(uint32_t));
	const uint32_t *inodes;
	int r = find_files(hints, argv, &files);

	inodes = (const void *)files.data;
	for (size_t i = 0; r == 0 && i < files.size / sizeof(*inodes); i++)
		r = hint_closure_add(hints->closure, inodes[i], ret);
	return r;
}

/* As a profile has them: one is needed after the other. */
static struct profile_chunk *expect(struct session *session,
				    const struct buffer *numbers,
				    uint32_t *ret_count)
{
	const uint32_t *all = (const void *)numbers->data;
	uint32_t count = (uint32_t)(numbers->size / sizeof(*all));
	struct profile_chunk *chunks =
		calloc(count + (size_t)1, sizeof(*chunks));
	uint32_t made = 0;

	*ret_count = 0;
	if (!chunks)
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		if (chunk_touches_expect(session_touches(session), all[i]))
			chunks[made++] = (struct profile_chunk){ all[i], i };
	*ret_count = made;
	return chunks;
}

static int play(struct job_hints *hints, const char *const *argv)
{
	const struct profile_player_options options = {
		.ranges_spare = RANGES_SPARE,
	};
	struct session *session = hints->session;
	struct buffer numbers CLEANUP(buffer_fini) =
		BUFFER_INIT(HINT_CLOSURE_CHUNK_COUNT_MAX * sizeof(uint32_t));
	struct profile_chunk *chunks;
	uint32_t count;
	int r = find_chunks(hints, argv, &numbers);

	if (r < 0 || numbers.size == 0)
		return r;
	chunks = expect(session, &numbers, &count);
	if (!chunks)
		return -ENOMEM;
	r = profile_player_create(session_loader(session),
				  index_file_chunks(session_index(session)),
				  session_touches(session), chunks, count,
				  &options, &hints->player);
	if (r < 0)
		free(chunks);
	return r;
}

/* Everything but the table. */
static int start(struct job_hints *hints, const char *const *argv)
{
	struct session *session = hints->session;
	struct index_figures figures;
	int r;

	index_file_get_figures(session_index(session), &figures);
	hints->closure =
		hint_closure_create(session_index(session), &hints->table);
	if (!hints->closure)
		return -ENOMEM;
	r = argv ? play(hints, argv) : 0;
	if (r < 0)
		return r;
	return hint_follower_create(hints->closure, session_loader(session),
				    session_touches(session),
				    figures.inode_count, &hints->follower);
}

bool job_hints_can_start(struct session *session, const char *mode)
{
	size_t size;

	if (mode && strcmp(mode, "off") == 0)
		return false;
	index_file_hints(session_index(session), &size);
	return size > 0;
}

struct job_hints *job_hints_start(struct session *session, const char *mode,
				  const char *const *argv)
{
	struct index_figures figures;
	struct error err = { 0 };
	struct job_hints *hints;
	const uint8_t *bytes;
	size_t size;
	int r;

	if (!job_hints_can_start(session, mode))
		return NULL;
	bytes = index_file_hints(session_index(session), &size);
	hints = calloc(1, sizeof(*hints));
	if (!hints)
		return NULL;
	hints->session = session;
	index_file_get_figures(session_index(session), &figures);
	r = hint_table_decode(bytes, size, figures.inode_count, &hints->table,
			      &err);
	if (r == 0) {
		r = start(hints, argv);
		if (r < 0)
			error_set_errno(&err, r,
					"cannot follow the index's hints");
	}
	if (r < 0) {
		log_event(LOG_WARN, "tools", "op=hints text=\"%s\"", err.text);
		job_hints_destroy(hints);
		return NULL;
	}
	trace_event(session_trace(session), "hints", 0);
	return hints;
}

void job_hints_follow(struct job_hints *hints, const char *const *argv)
{
	struct buffer files CLEANUP(buffer_fini) =
		BUFFER_INIT(COMMAND_FILES_MAX * sizeof(uint32_t));
	const uint32_t *inodes;

	if (!hints || find_files(hints, argv, &files) < 0)
		return;
	inodes = (const void *)files.data;
	for (size_t i = 0; i < files.size / sizeof(*inodes); i++)
		hint_follower_observe(hints->follower, inodes[i]);
}

void job_hints_observe(struct job_hints *hints, uint32_t inode)
{
	if (hints)
		hint_follower_observe(hints->follower, inode);
}

void job_hints_destroy(struct job_hints *hints)
{
	if (!hints)
		return;
	hint_follower_destroy(hints->follower);
	profile_player_destroy(hints->player);
	hint_closure_destroy(hints->closure);
	hint_table_fini(&hints->table);
	free(hints);
}

void job_hints_get_figures(struct job_hints *hints,
			   struct job_hints_figures *ret)
{
	*ret = (struct job_hints_figures){ 0 };
	if (hints && hints->player)
		profile_player_get_figures(hints->player, &ret->command);
	if (hints)
		hint_follower_get_figures(hints->follower, &ret->files);
}
