/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify: is the image what its digests say, and the index what the image
 * says?
 *
 * Indexing checks every layer's digest and diffID, and an index is the same to
 * the byte however it is made.  So: read all layers again, make the index
 * anew, and compare it with the one at hand, both in the raw form.
 */
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "fetch/chunk_cache.h"
#include "image/image.h"
#include "index/index_file.h"
#include "index/index_writer.h"
#include "tools/command.h"
#include "tools/index_store.h"
#include "tools/session.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMPARE_SIZE = 64 << 10 };

static int compare_files(int one, int other, struct error *err)
{
	uint8_t left[COMPARE_SIZE];
	uint8_t right[COMPARE_SIZE];
	struct stat one_stat;
	struct stat other_stat;
	int r;

	if (fstat(one, &one_stat) < 0 || fstat(other, &other_stat) < 0)
		return error_set_errno(err, -errno, "cannot stat an index");
	for (uint64_t off = 0; off < (uint64_t)one_stat.st_size;
	     off += COMPARE_SIZE) {
		uint64_t rest = (uint64_t)one_stat.st_size - off;
		size_t size = rest < COMPARE_SIZE ? rest : COMPARE_SIZE;

		r = io_pread_full(one, off, size, left);
		if (r == 0)
			r = io_pread_full(other, off, size, right);
		if (r < 0 && r != -ENODATA)
			return error_set_errno(err, r, "cannot read an index");
		if (r == -ENODATA || memcmp(left, right, size) != 0)
			return error_set(err, -EBADMSG,
					 "the index is not the one this image "
					 "gives (they differ near byte %llu); "
					 "make a new one with `lazyrun index`",
					 (unsigned long long)off);
	}
	if (one_stat.st_size != other_stat.st_size)
		return error_set(err, -EBADMSG,
				 "the index is longer than the one this image "
				 "gives; make a new one with `lazyrun index`");
	return 0;
}

/* The index at hand in raw form: the cache's own, or FILE unpacked. */
static int open_raw_index(struct session *session, struct error *err)
{
	int cache_fd = chunk_cache_dir_fd(session_cache(session));
	const struct digest *manifest =
		image_manifest_digest(session_image(session));
	autoclose int from = -1;
	autoclose int to = -1;
	int r;

	if (!session_index_path(session))
		return index_store_open(cache_fd, manifest, err);
	from = open(session_index_path(session), O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return error_set_errno(err, -errno, "cannot open index %s",
				       session_index_path(session));
	to = index_store_create(cache_fd, err);
	if (to < 0)
		return to;
	r = index_writer_repack(from, to, false, err);
	if (r < 0)
		return r;
	return STEAL_FD(to);
}

/* An object of which no index has digests has nothing to be compared with but
 * itself: its tables, and whether all of it decodes. */
static bool has_digests(struct session *session)
{
	const struct index_file *index = session_index(session);

	return !image_is_object(session_image(session)) ||
	       (index && index_file_has_digests(index));
}

static int replay(struct session *session, bool has_index, struct error *err)
{
	autoclose int fresh = -1;
	autoclose int at_hand = -1;
	int r;

	fresh = index_store_create(chunk_cache_dir_fd(session_cache(session)),
				   err);
	if (fresh < 0)
		return fresh;
	r = has_digests(session)
		    ? session_build_index(session, fresh, false, false, err)
		    : session_check_object(session, fresh, err);
	if (r < 0 || !has_index)
		return r;
	at_hand = open_raw_index(session, err);
	if (at_hand < 0)
		return at_hand;
	return compare_files(fresh, at_hand, err);
}

static void print_result(const struct common_options *options,
			 struct session *session, bool has_index)
{
	const struct manifest *manifest =
		image_manifest(session_image(session));
	const char *reference = image_reference(session_image(session));
	json_t *json;

	if (options->json) {
		json = json_pack("{s:s, s:b, s:i, s:b, s:b}", "image",
				 reference, "ok", 1, "layers",
				 (int)manifest->layer_count, "index_checked",
				 has_index, "digests_checked",
				 has_digests(session));
		json_dumpf(json, stdout, JSON_COMPACT);
		printf("\n");
		json_decref(json);
	} else if (!options->quiet && image_is_object(session_image(session))) {
		printf("%s: every chunk %s; %s\n", reference,
		       has_digests(session)
			       ? "matches its digest and decodes"
			       : "decodes, and none has a digest to match "
				 "(`lazyrun index` makes them)",
		       has_index ? "the index is the one that the file's "
				   "tables give"
				 : "no index at hand to compare");
	} else if (!options->quiet) {
		printf("%s: %u layers match their digests and diffIDs; %s\n",
		       reference, manifest->layer_count,
		       has_index ? "the index matches the image"
				 : "no index at hand to compare");
	}
}

static int verify_main(void *values, char **operands, int count,
		       struct error *err)
{
	const struct common_options *options = values;
	CLEANUP(session_closep) struct session *session = NULL;
	bool has_index;
	int r;

	(void)count;
	r = session_open(operands[0], options, SESSION_IMAGE, &session, err);
	if (r < 0)
		return r;
	r = session_find_index(session, err);
	if (r < 0)
		return r;
	has_index = session_index(session);
	if (has_index)
		r = index_file_check(session_index(session), err);
	if (r < 0)
		return r;
	r = replay(session, has_index, err);
	if (r == 0)
		print_result(options, session, has_index);
	return r;
}

const struct command cmd_verify = {
	.name = "verify",
	.operands = "IMAGE",
	.summary = "replay every layer against its digests and the index",
	.details = "Reads the whole image.  The index is the one of --index or "
		   "the cache's; without\nany only the layers are checked.",
	.values_size = sizeof(struct common_options),
	.operands_min = 1,
	.operands_max = 1,
	.failure_status = EXIT_FAILED,
	.main = verify_main,
};
