/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_join.h"

#include "common/cleanup.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/log.h"
#include "fetch/chunk_cache.h"
#include "image/image.h"
#include "run/run.h"
#include "run/run_user.h"
#include "tools/instance_ahead.h"
#include "tools/instance_key.h"
#include "tools/instance_list.h"
#include "tools/instance_start.h"
#include "tools/job_options.h"
#include "tools/root_key.h"
#include "tools/session.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define SCHEME "instance://"

enum {
	KEEP_MS = 10 * 60 * 1000, /* --join always without --keep */
};

static int parse_mode(const char *text, bool *ret_never, bool *ret_always,
		      struct error *err)
{
	*ret_never = text && strcmp(text, "never") == 0;
	*ret_always = text && strcmp(text, "always") == 0;
	if (!text || *ret_never || *ret_always || strcmp(text, "auto") == 0)
		return 0;
	return error_set(err, -EINVAL,
			 "--join: \"%.40s\" is none of auto, never, always",
			 text);
}

/* The image by digest, and its index, so that nobody has to be asked. */
static int take_image(struct job_join *join, const json_t *told,
		      const char *cache_path, struct error *err)
{
	const char *image = json_string_value(json_object_get(told, "image"));
	const char *digest = json_string_value(json_object_get(told, "digest"));
	struct digest parsed;
	char hex[DIGEST_HEX_SIZE];
	int n;

	if (!image || !digest || digest_parse(digest, &parsed, err) < 0)
		return error_set(err, -EPROTO,
				 "the instance %s is of another version of "
				 "lazyrun: stop it and start it again",
				 join->link.name);
	if (strncmp(image, "docker://", 9) == 0 && !strchr(image, '@'))
		n = asprintf(&join->text, "%s@%s", image, digest);
	else
		n = asprintf(&join->text, "%s", image);
	if (n < 0) {
		join->text = NULL;
		return error_set(err, -ENOMEM, "out of memory");
	}
	join->image = join->text;
	digest_format_hex(&parsed, hex);
	n = snprintf(join->index_path, sizeof(join->index_path),
		     "%s/index/%s.lzi", cache_path, hex);
	if (n > 0 && (size_t)n < sizeof(join->index_path) &&
	    access(join->index_path, R_OK) == 0)
		join->common.index = join->index_path;
	return 0;
}

static int ask_instance(struct job_join *join, int dir_fd, const char *name,
			const char *cache_path, struct error *err)
{
	autofree struct instance_entry *entries = NULL;
	int count = instance_dir_list(dir_fd, &entries);
	int r = -ENOENT;

	for (int i = 0; i < count && r == -ENOENT; i++) {
		autofree char *text = NULL;
		json_t *told = NULL;

		if (strcmp(entries[i].name, name) != 0)
			continue;
		r = instance_link_ask(dir_fd, &entries[i], &text);
		if (r < 0)
			break;
		told = json_loads(text, 0, NULL);
		r = take_image(join, told, cache_path, err);
		json_decref(told);
		return r;
	}
	return error_set_errno(err, r, "the instance %s does not answer", name);
}

static int open_root(struct job_join *join, const char *name, struct error *err)
{
	autoclose int dir_fd = -1;
	char path[PATH_MAX];
	int r = instance_dir_check_name(name, err);

	if (r == 0)
		r = session_format_cache_dir(&join->options->common, path,
					     sizeof(path), err);
	if (r < 0)
		return r;
	dir_fd = instance_list_open_dir(&join->options->common, err);
	if (dir_fd < 0)
		return dir_fd;
	r = instance_link_open(dir_fd, name, &join->link, err);
	if (r == 0)
		r = ask_instance(join, dir_fd, name, path, err);
	join->is_root = true;
	join->is_possible = true;
	return r;
}

int job_join_init(struct job_join *join, const struct job_options *options,
		  const char *image, struct error *err)
{
	char path[PATH_MAX];
	bool is_never;
	int r;

	*join = (struct job_join){
		.options = options,
		.image = image,
		.common = options->common,
		.link = INSTANCE_LINK_INIT,
	};
	r = parse_mode(options->join, &is_never, &join->is_always, err);
	if (r < 0)
		return r;
	if (strncmp(image, SCHEME, strlen(SCHEME)) == 0)
		return open_root(join, image + strlen(SCHEME), err);
	if (options->keep_ms)
		join->is_always = true;
	/* a fake root may have more ids than an instance's namespace */
	if (is_never || options->fakeroot)
		return 0;
	r = session_format_cache_dir(&options->common, path, sizeof(path),
				     NULL);
	join->is_possible =
		join->is_always || (r == 0 && instance_dir_may_have_any(path));
	return 0;
}

static int find(struct job_join *join, struct session *session)
{
	autoclose int dir_fd = instance_dir_open(
		chunk_cache_dir_fd(session_cache(session)), NULL);
	char key[INSTANCE_KEY_SIZE];
	int r = dir_fd;

	if (r >= 0)
		r = instance_key_format(
			image_manifest_digest(session_image(session)), key,
			NULL);
	return r < 0 ? r
		     : instance_link_find(dir_fd, key,
					  join->has_root_key ? &join->root_key
							     : NULL,
					  &join->link);
}

/* Whether an instance can be joined now. */
static bool find_or_start(struct job_join *join, struct session *session)
{
	const struct job_options *options = join->options;
	struct error err = { 0 };

	if (find(join, session) == 0)
		return true;
	if (!join->is_always)
		return false;
	if (instance_start_shared(&options->common, join->image,
				  options->keep_ms ? options->keep_ms : KEEP_MS,
				  &err) < 0) {
		log_event(LOG_WARN, "tools",
			  "op=keep text=\"%s\" next=\"mounting for this job "
			  "alone\"",
			  err.text);
		return false;
	}
	return find(join, session) == 0;
}

void job_join_describe(struct job_join *join, const struct job_mounts *mounts)
{
	/* root's jobs have the power to change what others see */
	join->has_root_key =
		join->is_possible && !join->is_root &&
		!run_user_is_privileged() &&
		root_key_compute(join->options, mounts, &join->root_key);
}

int job_join_decide(struct job_join *join, struct session *session,
		    struct run *run, struct error *err)
{
	int r;

	if (!join->is_possible)
		return 0;
	if (join->is_root || find_or_start(join, session)) {
		const struct run_watch watch = {
			.fd = join->link.socket,
			.happened = instance_link_happened,
			.mark = instance_link_mark,
			.offer = instance_link_offer,
			.arg = &join->link,
		};

		run_watch(run, &watch);
		r = run_join(run, &join->link.target, err);
		join->is_joined = r == 0;
		return r;
	}
	r = run_mount(run, err);
	return r < 0 ? r : session_open_loader(session, err);
}

static bool is_off(const char *mode)
{
	return mode && strcmp(mode, "off") == 0;
}

void job_join_tell(const struct job_join *join, const char *const *argv)
{
	unsigned flags = 0;

	if (!join->is_joined)
		return;
	if (is_off(join->options->profile))
		flags |= INSTANCE_AHEAD_NO_PROFILE;
	if (is_off(join->options->hints))
		flags |= INSTANCE_AHEAD_NO_HINTS;
	instance_link_tell_command(&join->link, argv, flags);
}

void job_join_end(const struct job_join *join)
{
	if (join->is_joined && !join->link.is_lost)
		instance_link_part(&join->link);
}

bool job_join_is_lost(struct job_join *join, struct error *err)
{
	if (!join->is_joined || !join->link.is_lost)
		return false;
	error_set(err, -ECONNRESET,
		  "the instance %s ended, and with it the job's files: the job "
		  "was killed; start it again",
		  join->link.name);
	return true;
}

void job_join_fini(struct job_join *join)
{
	instance_link_fini(&join->link);
	free(STEAL_PTR(join->text));
}
