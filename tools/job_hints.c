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
#include "tools/session.h"
#include "tools/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct job_hints {
	struct profile_player *player;
};

/* The chunks that the command's files need, in the order of need. */
static int find_chunks(struct session *session, const struct hint_table *table,
		       const char *const *argv, struct buffer *ret)
{
	const struct index_file *index = session_index(session);
	const struct image_config *config =
		image_config(session_image(session));
	struct hint_closure *closure CLEANUP(hint_closure_destroyp) =
		hint_closure_create(index, table);
	struct buffer files CLEANUP(buffer_fini) =
		BUFFER_INIT(COMMAND_FILES_MAX * sizeof(uint32_t));
	const uint32_t *inodes;
	int r;

	if (!closure)
		return -ENOMEM;
	r = command_files_find(index, argv, (const char *const *)config->env,
			       &files);
	inodes = (const void *)files.data;
	for (size_t i = 0; r == 0 && i < files.size / sizeof(*inodes); i++)
		r = hint_closure_add(closure, inodes[i], ret);
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

	for (uint32_t i = 0; chunks && i < count; i++)
		if (chunk_touches_expect(session_touches(session), all[i]))
			chunks[made++] = (struct profile_chunk){ all[i], i };
	*ret_count = made;
	return chunks;
}

static int play(struct session *session, const struct hint_table *table,
		const char *const *argv, struct job_hints *ret)
{
	const struct profile_player_options options = { .is_guess = false };
	struct buffer numbers CLEANUP(buffer_fini) =
		BUFFER_INIT(HINT_CLOSURE_CHUNK_COUNT_MAX * sizeof(uint32_t));
	struct profile_chunk *chunks;
	uint32_t count;
	int r = find_chunks(session, table, argv, &numbers);

	if (r < 0 || numbers.size == 0)
		return r < 0 ? r : -ENODATA;
	chunks = expect(session, &numbers, &count);
	if (!chunks)
		return -ENOMEM;
	r = profile_player_create(session_loader(session),
				  index_file_chunks(session_index(session)),
				  session_touches(session), chunks, count,
				  &options, &ret->player);
	if (r < 0)
		free(chunks);
	return r;
}

struct job_hints *job_hints_start(struct session *session, const char *mode,
				  const char *const *argv)
{
	const struct index_file *index = session_index(session);
	struct index_figures figures;
	struct hint_table table = { 0 };
	struct error err = { 0 };
	struct job_hints *hints;
	const uint8_t *bytes;
	size_t size;
	int r;

	bytes = index_file_hints(index, &size);
	if (size == 0 || (mode && strcmp(mode, "off") == 0))
		return NULL;
	hints = calloc(1, sizeof(*hints));
	if (!hints)
		return NULL;
	index_file_get_figures(index, &figures);
	r = hint_table_decode(bytes, size, figures.inode_count, &table, &err);
	if (r < 0)
		log_event(LOG_WARN, "tools", "op=hints text=\"%s\"", err.text);
	if (r == 0)
		r = play(session, &table, argv, hints);
	hint_table_fini(&table);
	if (r < 0) {
		free(hints);
		return NULL;
	}
	trace_event(session_trace(session), "hints", 0);
	return hints;
}

void job_hints_destroy(struct job_hints *hints)
{
	if (!hints)
		return;
	profile_player_destroy(hints->player);
	free(hints);
}

void job_hints_get_figures(struct job_hints *hints,
			   struct profile_player_figures *ret)
{
	*ret = (struct profile_player_figures){ 0 };
	if (hints)
		profile_player_get_figures(hints->player, ret);
}
