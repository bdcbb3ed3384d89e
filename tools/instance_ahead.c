/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/instance_ahead.h"

#include "tools/job_hints.h"
#include "tools/job_profile.h"
#include "tools/profile_key.h"

#include <string.h>

/* False: there is none, or it is not ended. */
static bool split(const char *text, size_t size,
		  const char *ret[INSTANCE_AHEAD_WORDS_MAX + 1])
{
	size_t count = 0;

	if (size == 0 || text[size - 1] != '\0')
		return false;
	for (size_t off = 0; off < size && count < INSTANCE_AHEAD_WORDS_MAX;
	     off += strlen(text + off) + 1)
		ret[count++] = text + off;
	ret[count] = NULL;
	return true;
}

static bool is_known(const struct instance_ahead *ahead, const char *key)
{
	for (size_t i = 0; i < INSTANCE_AHEAD_COMMANDS_MAX; i++)
		if (strcmp(ahead->commands[i].key, key) == 0)
			return true;
	return false;
}

bool instance_ahead_play(struct instance_ahead *ahead, const char *text,
			 size_t size, unsigned flags)
{
	const char *words[INSTANCE_AHEAD_WORDS_MAX + 1];
	size_t place = ahead->command_count % INSTANCE_AHEAD_COMMANDS_MAX;
	char key[PROFILE_KEY_SIZE];
	struct job_profile *profile = NULL;

	if (!split(text, size, words))
		return false;
	profile_key_format(words, key);
	if (is_known(ahead, key))
		return false;
	if (!(flags & INSTANCE_AHEAD_NO_PROFILE))
		profile = job_profile_start(
			ahead->session, NULL, words,
			!ahead->hints || flags & INSTANCE_AHEAD_NO_HINTS);
	if (!job_profile_is_played(profile) &&
	    !(flags & INSTANCE_AHEAD_NO_HINTS))
		job_hints_follow(ahead->hints, words);
	/* the first one's is still to be recorded, when it gives way before
	 * its end it is not */
	if (ahead->commands[place].profile && place == 0)
		ahead->has_recorded = true;
	job_profile_destroy(ahead->commands[place].profile);
	memcpy(ahead->commands[place].key, key, sizeof(key));
	ahead->commands[place].profile = profile;
	return ahead->command_count++ == 0 && profile;
}

void instance_ahead_record(struct instance_ahead *ahead)
{
	if (!ahead->has_recorded)
		job_profile_finish(ahead->commands[0].profile, false);
	ahead->has_recorded = true;
}

void instance_ahead_fini(struct instance_ahead *ahead)
{
	for (size_t i = 0; i < INSTANCE_AHEAD_COMMANDS_MAX; i++)
		job_profile_destroy(ahead->commands[i].profile);
	*ahead = (struct instance_ahead){ 0 };
}
