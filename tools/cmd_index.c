/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: read an image once and write its index.
 *
 * With -o the packed form goes to a file, to be kept beside the image and
 * handed to others; without it the index goes to the cache, where exec and
 * mount find it.
 */
#include "common/clock.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/chunk_cache.h"
#include "image/image.h"
#include "index/index_file.h"
#include "index/index_writer.h"
#include "tools/beside.h"
#include "tools/command.h"
#include "tools/index_store.h"
#include "tools/session.h"
#include "tools/size_text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct index_options {
	struct common_options common;
	const char *output;
	bool keep_chunks;
	bool push;
};

#define OPT(member) offsetof(struct index_options, member)

static const struct option index_option_table[] = {
	{ "output", 'o', OPTION_TEXT, "FILE",
	  "write the index here, compressed [the cache]", NULL, OPT(output) },
	{ "keep-chunks", 0, OPTION_FLAG, NULL,
	  "keep all that is read in the cache, as exec without an index does",
	  NULL, OPT(keep_chunks) },
	{ "push", 0, OPTION_FLAG, NULL,
	  "publish it beside the image in its registry, for other nodes", NULL,
	  OPT(push) },
	{ 0 },
};

/* Beside @path under a name of its own, so that renaming is atomic. */
static int create_beside(const char *path, char **ret_temporary,
			 struct error *err)
{
	char *temporary = NULL;
	int fd;

	if (asprintf(&temporary, "%s.tmp-%d", path, (int)getpid()) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		int r = error_set_errno(err, -errno, "cannot write %s", path);

		free(temporary);
		return r;
	}
	*ret_temporary = temporary;
	return fd;
}

static int print_result(const struct index_options *options, int fd,
			struct session *session, int64_t start_ms,
			struct error *err)
{
	CLEANUP(index_file_closep) struct index_file *index = NULL;
	double seconds = (double)(clock_ms() - start_ms) / 1000.0;
	const char *place = options->output ? options->output : "the cache";
	char digest[DIGEST_TEXT_SIZE];
	char size[SIZE_TEXT_MAX];
	char mount[SIZE_TEXT_MAX];
	struct index_figures f;
	int r = index_file_open(fd, &index, err);

	if (r < 0)
		return r;
	index_file_get_figures(index, &f);
	digest_format(index_file_manifest_digest(index), digest);
	if (options->common.json) {
		json_t *json = json_pack(
			"{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
			"s:f}",
			"image", image_reference(session_image(session)),
			"digest", digest, "index", place, "index_bytes",
			(json_int_t)f.file_size, "mount_bytes",
			(json_int_t)f.mount_size, "window_bytes",
			(json_int_t)f.window_size, "image_bytes",
			(json_int_t)f.stored_size, "raw_bytes",
			(json_int_t)f.raw_size, "inodes",
			(json_int_t)f.inode_count, "chunks",
			(json_int_t)f.chunk_count, "seconds", seconds);

		json_dumpf(json, stdout, JSON_COMPACT);
		printf("\n");
		json_decref(json);
	} else if (!options->common.quiet) {
		printf("%s: %s, %.2f %% of the image; %s (%.2f %%) to mount; "
		       "%u files, %u chunks, %.1f s\n",
		       place, size_text_format(f.file_size, size),
		       100.0 * (double)f.file_size / (double)f.stored_size,
		       size_text_format(f.mount_size, mount),
		       100.0 * (double)f.mount_size / (double)f.stored_size,
		       f.inode_count, f.chunk_count, seconds);
	}
	return 0;
}

/* What is sent is packed. */
static int push_from_cache(struct session *session, int raw_fd,
			   struct error *err)
{
	int cache_fd = chunk_cache_dir_fd(session_cache(session));
	autoclose int fd = index_store_create(cache_fd, err);
	int r;

	if (fd < 0)
		return fd;
	r = index_writer_repack(raw_fd, fd, true, err);
	return r < 0 ? r : beside_push_index(session_image(session), fd, err);
}

static int index_to_cache(const struct index_options *options,
			  struct session *session, int64_t start_ms,
			  struct error *err)
{
	int cache_fd = chunk_cache_dir_fd(session_cache(session));
	autoclose int fd = index_store_create(cache_fd, err);
	int r;

	if (fd < 0)
		return fd;
	r = session_build_index(session, fd, false, options->keep_chunks, err);
	if (r == 0)
		r = index_store_publish(
			cache_fd, fd,
			image_manifest_digest(session_image(session)), err);
	if (r == 0 && options->push)
		r = push_from_cache(session, fd, err);
	if (r == 0)
		r = print_result(options, fd, session, start_ms, err);
	return r;
}

static int index_to_file(const struct index_options *options,
			 struct session *session, int64_t start_ms,
			 struct error *err)
{
	autofree char *temporary = NULL;
	autoclose int fd = create_beside(options->output, &temporary, err);
	int r;

	if (fd < 0)
		return fd;
	assert(temporary);
	r = session_build_index(session, fd, true, options->keep_chunks, err);
	if (r == 0 && rename(temporary, options->output) < 0)
		r = error_set_errno(err, -errno, "cannot write %s",
				    options->output);
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	if (options->push)
		r = beside_push_index(session_image(session), fd, err);
	return r < 0 ? r : print_result(options, fd, session, start_ms, err);
}

static int index_main(void *values, char **operands, int count,
		      struct error *err)
{
	const struct index_options *options = values;
	CLEANUP(session_closep) struct session *session = NULL;
	int64_t start_ms = clock_ms();
	int r;

	(void)count;
	r = session_open(operands[0], &options->common, SESSION_FRESH, &session,
			 err);
	if (r < 0)
		return r;
	return options->output
		       ? index_to_file(options, session, start_ms, err)
		       : index_to_cache(options, session, start_ms, err);
}

const struct command cmd_index = {
	.name = "index",
	.operands = "IMAGE",
	.summary = "read an image once and write its index",
	.details = "Every layer is checked against its digest and diffID on "
		   "the way.  Of a SIF or\nSquashFS file the index has every "
		   "chunk's digest, and is found as FILE.lzi beside\nit, or "
		   "in --index-dir.",
	.options = index_option_table,
	.values_size = sizeof(struct index_options),
	.operands_min = 1,
	.operands_max = 1,
	.failure_status = EXIT_FAILED,
	.main = index_main,
};
