/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_profile.h"

#include "common/buffer.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/io.h"
#include "common/log.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_touches.h"
#include "fetch/chunk_loader.h"
#include "fetch/profile.h"
#include "fetch/profile_chunks.h"
#include "image/image.h"
#include "index/index_file.h"
#include "tools/profile_key.h"
#include "tools/profile_store.h"
#include "tools/session.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Runs that found nothing new are no longer written after so many. */
enum { RUNS_SETTLED = 4 };

/* Chunks that are looked for in the cache before the job: 5 us each, against
 * 200 for a thread that does. */
enum { LOOKED_AT_HERE_MAX = 32 };

struct job_profile {
	struct session *session;
	char key[PROFILE_KEY_SIZE];
	uint32_t start_ms; /* of the touches' time; a mount may be older */
	struct profile_player *player; /* NULL: nothing is played */
	bool is_at_hand; /* all that the profile names: nothing is played */
};

static void warn(const char *op, const struct error *err)
{
	log_event(LOG_WARN, "tools", "op=%s text=\"%s\"", op, err->text);
}

static int cache_dir_fd(struct session *session)
{
	return chunk_cache_dir_fd(session_cache(session));
}

static int load_file(const char *path, struct profile *ret, struct error *err)
{
	struct buffer bytes CLEANUP(buffer_fini) =
		BUFFER_INIT(PROFILE_SIZE_MAX);
	int r = io_read_file(AT_FDCWD, path, &bytes, err);

	if (r == 0)
		r = profile_decode(bytes.data, bytes.size, ret, err);
	return r < 0 ? error_prefix(err, r, "--profile %s", path) : 0;
}

static int load(const struct job_profile *self, const char *file,
		struct profile *ret)
{
	const struct digest *manifest =
		image_manifest_digest(session_image(self->session));
	struct error err = { 0 };
	int r = file ? load_file(file, ret, &err)
		     : profile_store_load(cache_dir_fd(self->session), manifest,
					  ret, &err);

	if (r < 0 && (file || r != -ENOENT))
		warn("profile", &err);
	return r;
}

/* For each blob of the profile its number in the index, by digest; one that
 * has none (the index of a file) is the one in its place. */
static uint32_t *map_blobs(const struct profile *profile,
			   const struct index_file *index)
{
	uint32_t *map = calloc((size_t)profile->blob_count + 1, sizeof(*map));
	struct index_figures figures;
	struct index_blob blob;

	if (!map)
		return NULL;
	index_file_get_figures(index, &figures);
	for (uint32_t i = 0; i < profile->blob_count; i++) {
		bool has_digest = !digest_is_zero(&profile->blobs[i]);

		map[i] = UINT32_MAX;
		if (!has_digest && i < figures.blob_count)
			map[i] = i;
		for (uint32_t j = 0; has_digest && j < figures.blob_count;
		     j++) {
			if (index_file_get_blob(index, j, &blob) == 0 &&
			    digest_equal(&blob.digest, &profile->blobs[i]))
				map[i] = j;
		}
	}
	return map;
}

/* Whether there is nothing to play.  Many are left to the player's thread. */
static bool is_at_hand(struct session *session,
		       const struct profile_chunk *chunks, uint32_t count)
{
	if (count > LOOKED_AT_HERE_MAX)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (!chunk_loader_is_at_hand(session_loader(session),
					     chunks[i].number))
			return false;
	return true;
}

/* Begin to fetch what these entries name. */
static int play(struct job_profile *self, const struct profile *profile,
		const struct profile_entry *entries, uint32_t count,
		bool is_guess)
{
	struct session *session = self->session;
	const struct chunk_table *table =
		index_file_chunks(session_index(session));
	const struct profile_player_options options = {
		.is_guess = is_guess,
		.has_head = !is_guess,
	};
	autofree uint32_t *blobs = map_blobs(profile, session_index(session));
	autofree struct profile_chunk *chunks = NULL;
	uint32_t chunk_count = 0;
	int r;

	if (!blobs)
		return -ENOMEM;
	r = profile_chunks_find(entries, count, blobs, table,
				session_touches(session), &chunks,
				&chunk_count);
	if (r < 0 || chunk_count == 0)
		return r;
	self->is_at_hand = is_at_hand(session, chunks, chunk_count);
	if (self->is_at_hand)
		return 0;
	r = profile_player_create(session_loader(session), table,
				  session_touches(session), chunks, chunk_count,
				  &options, &self->player);
	if (r == 0)
		chunks = NULL;
	return r;
}

static int choose_and_play(struct job_profile *self,
			   const struct profile *profile, bool may_guess)
{
	const struct profile_command *command =
		profile_find(profile, self->key);
	autofree struct profile_entry *guessed = NULL;
	uint32_t count = 0;
	int r;

	if (command)
		return play(self, profile, command->entries,
			    command->entry_count, false);
	if (!may_guess)
		return 0;
	r = profile_guess(profile, self->key, &guessed, &count);
	return r < 0 ? r : play(self, profile, guessed, count, true);
}

struct job_profile *job_profile_start(struct session *session, const char *mode,
				      const char *const *argv, bool may_guess)
{
	bool is_auto = !mode || strcmp(mode, "auto") == 0;
	struct profile profile = { 0 };
	struct job_profile *self;

	if (!is_auto && strcmp(mode, "off") == 0)
		return NULL;
	self = calloc(1, sizeof(*self));
	if (!self)
		return NULL;
	self->session = session;
	self->start_ms = chunk_touches_elapsed_ms(session_touches(session));
	profile_key_format(argv, self->key);
	if (load(self, is_auto ? NULL : mode, &profile) < 0)
		return self;
	if (choose_and_play(self, &profile, may_guess) < 0)
		log_event(LOG_WARN, "tools",
			  "op=profile text=\"out of memory or threads\"");
	profile_fini(&profile);
	return self;
}

/* A profile without commands, of the session's image. */
static int init_profile(struct session *session, struct profile *ret)
{
	const struct index_file *index = session_index(session);
	autofree struct digest *blobs = NULL;
	struct index_figures figures;
	struct index_blob blob;

	index_file_get_figures(index, &figures);
	blobs = calloc((size_t)figures.blob_count + 1, sizeof(*blobs));
	if (!blobs)
		return -ENOMEM;
	for (uint32_t i = 0; i < figures.blob_count; i++)
		if (index_file_get_blob(index, i, &blob) == 0)
			blobs[i] = blob.digest;
	return profile_init(ret, image_manifest_digest(session_image(session)),
			    blobs, figures.blob_count);
}

/* Whether a run would leave its command as it is, but for counts.
 * @is_partial: what it did not read may have been read elsewhere */
static bool is_settled(const struct job_profile *self,
		       const struct profile *profile, bool is_partial)
{
	const struct profile_command *command =
		profile_find(profile, self->key);
	struct chunk_touches_counters touched;

	if (!command || command->runs < RUNS_SETTLED)
		return false;
	chunk_touches_get_counters(session_touches(self->session), &touched);
	return touched.others == 0 &&
	       (is_partial || touched.expected == command->entry_count);
}

static int record(struct job_profile *self, bool is_partial, struct error *err)
{
	struct session *session = self->session;
	autofree struct profile_entry *entries = NULL;
	struct profile profile CLEANUP(profile_fini) = { 0 };
	uint32_t count = 0;
	int r;

	r = profile_store_load(cache_dir_fd(session),
			       image_manifest_digest(session_image(session)),
			       &profile, err);
	if (r == -ENOENT)
		r = init_profile(session, &profile);
	if (r < 0)
		return r;
	if (is_settled(self, &profile, is_partial))
		return 0;
	r = profile_chunks_collect(session_touches(session), self->start_ms,
				   index_file_chunks(session_index(session)),
				   &entries, &count);
	if (r == 0 && count > 0)
		r = profile_add_run(&profile, self->key, clock_wall_s(),
				    entries, count, is_partial);
	if (r < 0)
		return error_set(err, r, "out of memory");
	return count > 0 ? profile_store_save(cache_dir_fd(session), &profile,
					      err)
			 : 0;
}

void job_profile_finish(struct job_profile *self, bool is_partial)
{
	struct error err = { 0 };
	int r;

	if (!self)
		return;
	r = record(self, is_partial, &err);
	/* a cache that cannot be written to is said elsewhere */
	if (r < 0 && r != -EROFS && r != -EACCES)
		warn("profile", &err);
}

bool job_profile_is_played(const struct job_profile *self)
{
	return self && (self->player || self->is_at_hand);
}

void job_profile_get_figures(struct job_profile *self,
			     struct profile_player_figures *ret)
{
	*ret = (struct profile_player_figures){ 0 };
	if (self && self->player)
		profile_player_get_figures(self->player, ret);
}

void job_profile_destroy(struct job_profile *self)
{
	if (!self)
		return;
	profile_player_destroy(self->player);
	free(self);
}
