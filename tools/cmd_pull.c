/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull: fill the cache ahead, with an image's every chunk or those of the
 * files that match; or, when a file is named or the command is called
 * apptainer, leave a stub of the image (stub_file.h).
 *
 * Chunks are asked for in order, a bounded number at a time, so that
 * neighbours become large ranges; progress counts stored bytes.
 */
#include "common/cleanup.h"
#include "common/chunk_ref.h"
#include "common/error.h"
#include "common/thread.h"
#include "fetch/chunk_cache.h"
#include "fetch/chunk_loader.h"
#include "image/image.h"
#include "index/index_file.h"
#include "tools/command.h"
#include "tools/index_walk.h"
#include "tools/progress.h"
#include "tools/session.h"
#include "tools/size_text.h"
#include "tools/stub_file.h"

#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct pull_options {
	struct common_options common;
	struct option_list paths;
	const char *dir;
	const char *name;
	const char *arch;
	const char *arch_variant;
	bool replaces;
	bool disable_cache;
	const char *ignored_text;
};

#define OPT(member) offsetof(struct pull_options, member)
#define IGNORED(option, letter, reason, names)                                 \
	{                                                                      \
		option, letter, OPTION_FLAG, NULL, reason, NULL,               \
			OPT(common.ignored), .twins = names                    \
	}

static const struct option pull_option_table[] = {
	{ "path", 0, OPTION_LIST, "GLOB",
	  "only files whose path matches, '*' matching '/' too [all]", NULL,
	  OPT(paths) },
	{ "force", 'F', OPTION_FLAG, NULL, "replace FILE if it is there", NULL,
	  OPT(replaces), .twins = "FORCE" },
	{ "dir", 0, OPTION_TEXT, "DIR", "put FILE there", NULL, OPT(dir),
	  .twins = "PULLDIR PULLFOLDER" },
	{ "name", 0, OPTION_TEXT, "FILE", "the same as FILE before IMAGE", NULL,
	  OPT(name), .twins = "PULL_NAME" },
	{ "arch", 0, OPTION_TEXT, "ARCH", "the same as --platform linux/ARCH",
	  NULL, OPT(arch), .twins = "PULL_ARCH" },
	{ "arch-variant", 0, OPTION_TEXT, "VARIANT",
	  "behind --arch, as in linux/arm/v7", NULL, OPT(arch_variant),
	  .twins = "PULL_ARCH_VARIANT" },
	{ "disable-cache", 0, OPTION_FLAG, NULL,
	  "FILE gets no index: nothing is read but the image's digest", NULL,
	  OPT(disable_cache), .twins = "DISABLE_CACHE" },
	{ "no-https", 0, OPTION_FLAG, NULL, "the same as --insecure", NULL,
	  OPT(common.insecure), .twins = "NOHTTPS NO_HTTPS" },
	IGNORED("allow-unsigned", 'U', "changes nothing: no signature is asked",
		"ALLOW_UNSIGNED"),
	IGNORED("no-cleanup", 0, "changes nothing: nothing is left", NULL),
	{ "tmpdir", 0, OPTION_TEXT, "DIR",
	  "changes nothing: nothing is unpacked", NULL, OPT(ignored_text),
	  .twins = "TMPDIR" },
	{ "docker-login", 0, OPTION_REFUSED, NULL,
	  "log in beforehand, with docker, podman or skopeo login", NULL, 0 },
	{ "docker-host", 0, OPTION_REFUSED, "URL",
	  "lazyrun reads from registries, not from a docker daemon", NULL, 0 },
	{ "library", 0, OPTION_REFUSED, "URL",
	  "lazyrun knows no library:// server", NULL, 0 },
	{ "sandbox", 0, OPTION_REFUSED, NULL,
	  "nothing is unpacked: `lazyrun mount` shows an image as a directory",
	  NULL, 0 },
	{ 0 },
};

enum {
	BATCH = 32,	 /* chunks per request */
	BATCHES_MAX = 4, /* requests under way */
};

struct pull {
	const struct pull_options *options;
	struct session *session;
	uint8_t *is_wanted; /* a bit per chunk */
	uint32_t chunk_count;
	uint64_t wanted_size; /* stored bytes */
	uint32_t matched_files;
	struct progress *progress;

	struct mutex lock;
	struct condition changed;
	unsigned batches GUARDED;
	uint64_t done_size GUARDED;
	int result GUARDED;
	struct error err GUARDED;
};

struct batch {
	struct pull *pull;
	uint64_t size;
	uint32_t numbers[BATCH];
	size_t count;
};

static void want_chunk(struct pull *pull, uint32_t number)
{
	uint8_t bit = (uint8_t)(1 << number % 8);
	struct chunk_ref ref;

	if (pull->is_wanted[number / 8] & bit ||
	    chunk_table_get(index_file_chunks(session_index(pull->session)),
			    number, &ref) < 0)
		return;
	pull->is_wanted[number / 8] |= bit;
	pull->wanted_size += ref.stored_size;
}

static int want_file(void *arg, const char *path,
		     const struct index_inode *inode, struct error *err)
{
	struct pull *pull = arg;
	const struct option_list *globs = &pull->options->paths;
	struct index_piece piece;
	bool is_match = false;

	if (!S_ISREG(inode->mode))
		return 0;
	for (size_t i = 0; i < globs->count && !is_match; i++)
		is_match = fnmatch(globs->values[i], path, 0) == 0 ||
			   fnmatch(globs->values[i], path + 1, 0) == 0;
	if (!is_match)
		return 0;
	pull->matched_files++;
	for (uint64_t off = 0; off < inode->size; off += piece.size) {
		if (index_file_get_piece(session_index(pull->session),
					 inode->number, off, &piece) < 0)
			return error_set(err, -EBADMSG,
					 "the index is damaged at %s", path);
		if (piece.chunk != INDEX_NO_CHUNK)
			want_chunk(pull, piece.chunk);
	}
	return 0;
}

static int choose_chunks(struct pull *pull, struct error *err)
{
	if (pull->options->paths.count == 0) {
		for (uint32_t i = 0; i < pull->chunk_count; i++)
			want_chunk(pull, i);
		return 0;
	}
	return index_walk(session_index(pull->session), "/", INDEX_ROOT,
			  want_file, pull, err);
}

static void batch_done(void *arg, int result, struct chunk *const *chunks,
		       size_t count, const struct error *err)
{
	struct batch *batch = arg;
	struct pull *pull = batch->pull;
	uint64_t done_size;

	(void)chunks;
	(void)count;
	mutex_lock(&pull->lock);
	pull->batches--;
	pull->done_size += batch->size;
	done_size = pull->done_size;
	if (result < 0 && pull->result == 0) {
		pull->result = result;
		pull->err = *err;
	}
	condition_signal(&pull->changed);
	mutex_unlock(&pull->lock);
	progress_update(pull->progress, done_size, pull->wanted_size);
	free(batch);
}

/* Wait until at most @limit batches are under way; the first failure ends it.
 * The loader's own deadline bounds every batch. */
static int wait_for_batches(struct pull *pull, unsigned limit)
{
	int result;

	mutex_lock(&pull->lock);
	while (pull->batches > limit)
		condition_wait(&pull->changed, &pull->lock);
	result = pull->result;
	mutex_unlock(&pull->lock);
	return result;
}

/* The next batch of wanted chunks from @*next on; NULL when none are left. */
static struct batch *collect_batch(struct pull *pull, uint32_t *next)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	struct chunk_ref ref;

	if (!batch)
		return NULL;
	batch->pull = pull;
	for (; *next < pull->chunk_count && batch->count < BATCH; (*next)++) {
		if (!(pull->is_wanted[*next / 8] & 1 << *next % 8))
			continue;
		batch->numbers[batch->count++] = *next;
		if (chunk_table_get(
			    index_file_chunks(session_index(pull->session)),
			    *next, &ref) == 0)
			batch->size += ref.stored_size;
	}
	return batch;
}

static int send_batch(struct pull *pull, struct batch *batch)
{
	int r;

	mutex_lock(&pull->lock);
	pull->batches++;
	mutex_unlock(&pull->lock);
	r = chunk_loader_request(session_loader(pull->session), batch->numbers,
				 batch->count, CHUNK_FILL, batch_done, batch);
	if (r < 0) {
		mutex_lock(&pull->lock);
		pull->batches--;
		mutex_unlock(&pull->lock);
		free(batch);
	}
	return r;
}

static int fetch_wanted(struct pull *pull, struct error *err)
{
	uint32_t next = 0;
	int r = 0;

	while (r == 0 && next < pull->chunk_count) {
		struct batch *batch = collect_batch(pull, &next);

		if (!batch)
			r = error_set(err, -ENOMEM, "out of memory");
		else if (batch->count == 0)
			free(batch);
		else
			r = send_batch(pull, batch);
		if (r == 0)
			r = wait_for_batches(pull, BATCHES_MAX - 1);
	}
	wait_for_batches(pull, 0);
	mutex_lock(&pull->lock);
	if (pull->result < 0) {
		r = pull->result;
		*err = pull->err;
	}
	mutex_unlock(&pull->lock);
	return r;
}

static void print_result(const struct pull *pull)
{
	const struct common_options *options = &pull->options->common;
	struct chunk_loader_counters counters;
	char wanted[SIZE_TEXT_MAX];
	char fetched[SIZE_TEXT_MAX];
	json_t *json;

	chunk_loader_get_counters(session_loader(pull->session), &counters);
	if (options->json) {
		json = json_pack(
			"{s:s, s:I, s:I, s:I}", "image",
			image_reference(session_image(pull->session)),
			"wanted_bytes", (json_int_t)pull->wanted_size,
			"bytes_fetched", (json_int_t)counters.fetched_bytes,
			"ranges_fetched", (json_int_t)counters.fetched_ranges);
		json_dumpf(json, stdout, JSON_COMPACT);
		printf("\n");
		json_decref(json);
	} else if (!options->quiet) {
		printf("%s is in the cache; %s fetched now\n",
		       size_text_format(pull->wanted_size, wanted),
		       size_text_format(counters.fetched_bytes, fetched));
	}
}

static int pull_image(struct pull *pull, struct error *err)
{
	int r = choose_chunks(pull, err);

	if (r < 0)
		return r;
	if (pull->options->paths.count > 0 && pull->matched_files == 0)
		return error_set(err, -ENOENT,
				 "no regular file of the image matches --path; "
				 "`lazyrun ls -R` lists them");
	pull->progress =
		progress_create("pulling", pull->options->common.quiet);
	r = fetch_wanted(pull, err);
	progress_destroy(pull->progress);
	if (r == 0)
		print_result(pull);
	return r;
}

static int fill_cache(struct pull_options *options, const char *image,
		      struct error *err)
{
	struct pull pull = { .options = options };
	int r = session_open(image, &options->common, SESSION_LOADER,
			     &pull.session, err);

	if (r < 0)
		return r;
	pull.chunk_count =
		index_file_chunks(session_index(pull.session))->count;
	pull.is_wanted = calloc((size_t)pull.chunk_count / 8 + 1, 1);
	mutex_init(&pull.lock);
	condition_init(&pull.changed);
	r = pull.is_wanted ? pull_image(&pull, err)
			   : error_set(err, -ENOMEM, "out of memory");
	session_close(pull.session);
	condition_fini(&pull.changed);
	mutex_fini(&pull.lock);
	free(pull.is_wanted);
	return r;
}

/* @file: NULL: called as the image is. */
static int leave_stub(struct pull_options *options, const char *file,
		      const char *image, struct error *err)
{
	CLEANUP(session_closep) struct session *session = NULL;
	char name[NAME_MAX + 1];
	char path[PATH_MAX];
	int r = 0;

	options->common.tag_ttl_ms = 0; /* what the tag means now */
	if (!file) {
		r = stub_file_name(image, name, sizeof(name), err);
		file = name;
	}
	if (r == 0 &&
	    snprintf(path, sizeof(path), "%s%s%s",
		     options->dir ? options->dir : "", options->dir ? "/" : "",
		     file) >= (int)sizeof(path))
		r = error_set(err, -ENAMETOOLONG,
			      "the file's path is too long");
	if (r == 0)
		r = stub_file_check(path, options->replaces, err);
	if (r == 0)
		r = session_open(image, &options->common,
				 options->disable_cache ? SESSION_IMAGE
							: SESSION_INDEX,
				 &session, err);
	if (r == 0)
		r = stub_file_write(path, options->replaces, image, session,
				    err);
	if (r == 0 && !options->common.quiet && !options->common.silent)
		fprintf(stderr,
			"%s%s stands for %s; what a job reads of it is fetched "
			"then\n",
			options->common.is_apptainer ? "INFO:    "
						     : "lazyrun: ",
			path, image_reference(session_image(session)));
	return r;
}

static int pull_main(void *values, char **operands, int count,
		     struct error *err)
{
	struct pull_options *options = values;
	const char *image = operands[count - 1];
	const char *file = count == 2 ? operands[0] : options->name;
	char platform[96];
	int r;

	if (options->arch) {
		snprintf(platform, sizeof(platform), "linux/%.50s%s%.20s",
			 options->arch, options->arch_variant ? "/" : "",
			 options->arch_variant ? options->arch_variant : "");
		options->common.platform = platform;
	}
	if (options->paths.count > 0 && file)
		r = command_usage_error(
			err,
			"--path fills the cache, which makes no file: "
			"leave %s out",
			file);
	else if (file || options->dir ||
		 (options->common.is_apptainer && options->paths.count == 0))
		r = leave_stub(options, file, image, err);
	else
		r = fill_cache(options, image, err);
	option_list_fini(&options->paths);
	return r;
}

const struct command cmd_pull = {
	.name = "pull",
	.operands = "[FILE] IMAGE",
	.summary = "fill the cache with an image, or leave a file for it",
	.details =
		"Without FILE, what is not in the cache yet is fetched.  With "
		"FILE, and when called\napptainer (FILE is then NAME_TAG.sif), "
		"nothing is downloaded but what an index takes:\nFILE holds "
		"the image's digest and index, about a hundredth of the image, "
		"and exec,\nrun and the others take it for the image.",
	.options = pull_option_table,
	.values_size = sizeof(struct pull_options),
	.operands_min = 1,
	.operands_max = 2,
	.failure_status = EXIT_FAILED,
	.main = pull_main,
};
