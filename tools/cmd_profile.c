/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile: what the node knows of the starts of an image's commands.
 */
#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "fetch/chunk_cache.h"
#include "fetch/profile.h"
#include "image/image.h"
#include "tools/beside.h"
#include "tools/command.h"
#include "tools/profile_store.h"
#include "tools/session.h"
#include "tools/size_text.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct profile_options {
	struct common_options common;
	const char *output;
};

static const struct option profile_option_table[] = {
	{ "output", 'o', OPTION_TEXT, "FILE", "export: write it here", NULL,
	  offsetof(struct profile_options, output) },
	{ 0 },
};

/* An image's profile, and where it is kept. */
struct place {
	const struct profile_options *options;
	const char *image; /* the user's reference */
	const struct digest *manifest;
	int cache_fd;
};

static int load(const struct place *place, struct profile *ret,
		struct error *err)
{
	int r = profile_store_load(place->cache_fd, place->manifest, ret, err);

	if (r == -ENOENT)
		return error_set(err, r,
				 "no command of %s has run here yet, so there "
				 "is no profile; run one, or import a profile",
				 place->image);
	return r;
}

static uint64_t size_of(const struct profile_command *command)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < command->entry_count; i++)
		size += command->entries[i].size;
	return size;
}

static uint32_t time_of(const struct profile_command *command)
{
	return command->entry_count
		       ? command->entries[command->entry_count - 1].first_ms
		       : 0;
}

static void print_command(const struct profile_command *command, bool is_json)
{
	char size[SIZE_TEXT_MAX];
	json_t *json;

	if (!is_json) {
		printf("%-48s %5u runs  %5u chunks  %9s  first %u ms, last "
		       "%u ms\n",
		       command->key, command->runs, command->entry_count,
		       size_text_format(size_of(command), size),
		       command->entry_count ? command->entries[0].first_ms : 0,
		       time_of(command));
		return;
	}
	json = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "command",
			 command->key, "runs", (json_int_t)command->runs,
			 "used_s", (json_int_t)command->used_s, "chunks",
			 (json_int_t)command->entry_count, "bytes",
			 (json_int_t)size_of(command), "last_ms",
			 (json_int_t)time_of(command));
	json_dumpf(json, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(json);
}

static int show(const struct place *place, struct error *err)
{
	struct profile profile CLEANUP(profile_fini) = { 0 };
	int r = load(place, &profile, err);

	for (uint32_t i = 0; r == 0 && i < profile.command_count; i++)
		print_command(&profile.commands[i],
			      place->options->common.json);
	return r;
}

static int export_file(const struct place *place, struct error *err)
{
	struct profile profile CLEANUP(profile_fini) = { 0 };
	const char *path = place->options->output;
	autofree uint8_t *bytes = NULL;
	autoclose int fd = -1;
	size_t size = 0;
	int r;

	if (!path)
		return command_usage_error(
			err, "profile export: say where to, with -o FILE");
	r = load(place, &profile, err);
	if (r == 0)
		r = profile_encode(&profile, &bytes, &size);
	if (r < 0)
		return r == -ENOMEM ? error_set(err, r, "out of memory") : r;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	r = fd < 0 ? -errno : io_write_full(fd, bytes, size);
	return r < 0 ? error_set_errno(err, r, "cannot write %s", path) : 0;
}

static int read_profile(const char *path, struct profile *ret,
			struct error *err)
{
	struct buffer bytes CLEANUP(buffer_fini) =
		BUFFER_INIT(PROFILE_SIZE_MAX);
	int r = io_read_file(AT_FDCWD, path, &bytes, err);

	if (r == 0)
		r = profile_decode(bytes.data, bytes.size, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

static int import_file(const struct place *place, const char *path,
		       struct error *err)
{
	struct profile given CLEANUP(profile_fini) = { 0 };
	struct profile known CLEANUP(profile_fini) = { 0 };
	int r = read_profile(path, &given, err);

	if (r < 0)
		return r;
	if (!digest_equal(&given.image, place->manifest)) {
		char text[DIGEST_TEXT_SIZE];

		digest_format(&given.image, text);
		return error_set(err, -EBADMSG,
				 "%s is the profile of another image (%s); "
				 "--profile %s uses it all the same, for "
				 "layers that both have",
				 path, text, path);
	}
	r = profile_store_load(place->cache_fd, place->manifest, &known, NULL);
	if (r == -ENOENT)
		return profile_store_save(place->cache_fd, &given, err);
	if (r == 0)
		r = profile_merge(&known, &given);
	if (r == -EINVAL)
		return error_set(err, -EBADMSG,
				 "%s names other layers than the profile in "
				 "the cache; `lazyrun profile rm` removes that",
				 path);
	if (r < 0)
		return error_set_errno(err, r, "cannot merge %s", path);
	return profile_store_save(place->cache_fd, &known, err);
}

static int remove_profile(const struct place *place, struct error *err)
{
	int r = profile_store_remove(place->cache_fd, place->manifest);

	return r < 0 ? error_set_errno(err, r,
				       "cannot remove the profile of "
				       "%s",
				       place->image)
		     : 0;
}

static int push(const struct place *place, struct session *session,
		struct error *err)
{
	int r = beside_push_profile(session_image(session), place->cache_fd,
				    err);

	if (r == 0 && !place->options->common.quiet)
		printf("the profile is beside %s now\n", place->image);
	return r;
}

/* An index comes along: whoever wants the profile will want it. */
static int pull(const struct place *place, struct session *session,
		struct error *err)
{
	struct beside_found found = { 0 };
	int r = beside_fetch(session_image(session), place->cache_fd, &found,
			     err);

	if (r == 0 && !found.has_profile)
		return error_set(err, -ENOENT,
				 "nobody has pushed a profile of %s",
				 place->image);
	return r;
}

static int profile_main(void *values, char **operands, int count,
			struct error *err)
{
	const struct profile_options *options = values;
	CLEANUP(session_closep) struct session *session = NULL;
	struct place place = { .options = options, .image = operands[1] };
	const char *verb = operands[0];
	int r;

	if (count != (strcmp(verb, "import") == 0 ? 3 : 2))
		return command_usage_error(
			err,
			"write `profile show|export|push|pull|rm IMAGE` or "
			"`profile import IMAGE FILE`");
	r = session_open(place.image, &options->common, SESSION_IMAGE, &session,
			 err);
	if (r < 0)
		return r;
	place.manifest = image_manifest_digest(session_image(session));
	place.cache_fd = chunk_cache_dir_fd(session_cache(session));
	if (strcmp(verb, "show") == 0)
		return show(&place, err);
	if (strcmp(verb, "export") == 0)
		return export_file(&place, err);
	if (strcmp(verb, "import") == 0)
		return import_file(&place, operands[2], err);
	if (strcmp(verb, "push") == 0)
		return push(&place, session, err);
	if (strcmp(verb, "pull") == 0)
		return pull(&place, session, err);
	if (strcmp(verb, "rm") == 0)
		return remove_profile(&place, err);
	return command_usage_error(err,
				   "unknown verb \"%.40s\"; show, export, "
				   "import, push, pull and rm are there",
				   verb);
}

const struct command cmd_profile = {
	.name = "profile",
	.operands = "show|export|import|push|pull|rm IMAGE [FILE]",
	.summary = "what commands read at their start, and when",
	.details = "Each job records it in the cache; the next one of the same "
		   "image and command asks for\nit before the command does.  "
		   "export and import carry it to another node, "
		   "push and pull by way of the\nimage's registry.",
	.options = profile_option_table,
	.values_size = sizeof(struct profile_options),
	.operands_min = 2,
	.operands_max = 3,
	.failure_status = EXIT_FAILED,
	.main = profile_main,
};
