/* SPDX-License-Identifier: Apache-2.0 */
/*
 * htcondor: HTCondor's file transfer, for the job's image alone: instead of the
 * image a stub arrives, and what the job reads of it is fetched then.
 *
 * tools/htcondor/lazyrun-transfer is the plugin that HTCondor calls.  It gives
 * the list of files here and what is left of it to the pool's own plugin.
 */
#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "image/image.h"
#include "image/image_stub.h"
#include "tools/command.h"
#include "tools/htcondor_ad.h"
#include "tools/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LIST_SIZE_MAX = 16 << 20, AD_SIZE_MAX = 4 << 20 };

struct htcondor_options {
	struct common_options common;
	const char *infile;
	const char *outfile;
	const char *rest;
	const char *job_ad;
};

static const struct option htcondor_option_table[] = {
	{ "infile", 0, OPTION_TEXT, "FILE", "what is to be transferred", NULL,
	  offsetof(struct htcondor_options, infile) },
	{ "outfile", 0, OPTION_TEXT, "FILE", "what became of it", NULL,
	  offsetof(struct htcondor_options, outfile) },
	{ "rest", 0, OPTION_TEXT, "FILE",
	  "where what is no image goes, for another plugin", NULL,
	  offsetof(struct htcondor_options, rest) },
	{ "job-ad", 0, OPTION_TEXT, "FILE",
	  "the job's ad, which names its image", "_CONDOR_JOB_AD",
	  offsetof(struct htcondor_options, job_ad) },
	{ 0 },
};

static int read_file(const char *path, struct buffer *buffer, struct error *err)
{
	int r = io_read_file(AT_FDCWD, path, buffer, err);

	return r < 0 ? r : buffer_terminate(buffer);
}

/* What the job's ad says of its image; texts malloc'ed, NULL: nothing. */
struct job_image_name {
	char *full; /* the URL, by a HTCondor that says so */
	char *name; /* the URL, or its last part: what the job is started with
		     */
};

static void job_image_name_fini(struct job_image_name *name)
{
	free(name->full);
	free(name->name);
}

static void load_name(const char *path, struct job_image_name *ret)
{
	struct buffer ad CLEANUP(buffer_fini) = BUFFER_INIT(AD_SIZE_MAX);
	const char *text;

	if (!path || read_file(path, &ad, NULL) < 0)
		return;
	text = (const char *)ad.data;
	ret->full = htcondor_ad_find_string(text, "ContainerImageFullPath");
	ret->name = htcondor_ad_find_string(text, "ContainerImage");
}

static bool is_image(const struct job_image_name *image, const char *url)
{
	size_t len = strcspn(url, "?");
	size_t name_len = image->name ? strlen(image->name) : 0;

	if (image->full)
		return strcmp(url, image->full) == 0;
	if (!image->name)
		return false;
	if (strcmp(url, image->name) == 0)
		return true;
	return len > name_len && url[len - name_len - 1] == '/' &&
	       strncmp(url + len - name_len, image->name, name_len) == 0;
}

/* Finds the image and leaves its stub where the image would be. */
static int place_stub(const struct htcondor_ad *ad,
		      const struct common_options *options, size_t *ret_size,
		      struct error *err)
{
	struct buffer text CLEANUP(buffer_fini) =
		BUFFER_INIT(IMAGE_STUB_SIZE_MAX);
	CLEANUP(session_closep) struct session *session = NULL;
	struct image_stub stub = { .has_digest = true };
	int r;

	if (strlen(ad->url) >= sizeof(stub.url))
		return error_set(err, -EFBIG, "the image's URL is too long");
	r = session_open(ad->url, options, SESSION_IMAGE, &session, err);
	if (r < 0)
		return r;
	snprintf(stub.url, sizeof(stub.url), "%s", ad->url);
	stub.digest = *image_manifest_digest(session_image(session));
	r = image_stub_format(&stub, &text);
	if (r < 0)
		return error_set(err, r, "out of memory");
	*ret_size = text.size;
	return io_write_file_atomic(AT_FDCWD, ad->local_name, text.data,
				    text.size, err);
}

static int append(struct buffer *buffer, const char *text)
{
	return buffer_append(buffer, text, strlen(text));
}

/* The answer's ad for one file. */
static int report(const struct htcondor_ad *ad, int result, size_t size,
		  const struct error *err, struct buffer *answer)
{
	autofree char *url = htcondor_ad_quote(ad->url);
	autofree char *name = htcondor_ad_quote(ad->local_name);
	autofree char *error = htcondor_ad_quote(err->text);
	autofree char *text = NULL;
	long long now = time(NULL);

	if (!url || !name || !error ||
	    asprintf(&text,
		     "[ TransferUrl = %s; TransferFileName = %s; "
		     "TransferSuccess = %s; TransferError = %s; "
		     "TransferProtocol = \"lazyrun\"; TransferType = "
		     "\"download\"; TransferFileBytes = %zu; "
		     "TransferTotalBytes = %zu; TransferStartTime = %lld; "
		     "TransferEndTime = %lld; TransferTries = 1 ]\n",
		     url, name, result == 0 ? "true" : "false", error, size,
		     size, now, now) < 0)
		return -ENOMEM;
	return append(answer, text);
}

struct work {
	const struct htcondor_options *options;
	const char *list; /* of ads */
	const struct job_image_name *image;
	struct buffer answer;
	struct buffer rest;
	struct error first; /* that failed */
};

static int take_ad(struct work *work, const struct htcondor_ad *ad)
{
	struct error err = { 0 };
	size_t size = 0;
	int result;
	int r;

	if (!ad->url || !ad->local_name || !is_image(work->image, ad->url)) {
		r = buffer_append(&work->rest, work->list + ad->off, ad->size);
		return r < 0 ? r : append(&work->rest, "\n");
	}
	result = place_stub(ad, &work->options->common, &size, &err);
	if (result < 0 && work->first.code == 0)
		work->first = err;
	return report(ad, result, size, &err, &work->answer);
}

static int take_all(struct work *work, struct error *err)
{
	size_t cursor = 0;
	int r;

	for (;;) {
		struct htcondor_ad ad CLEANUP(htcondor_ad_fini) = { 0 };

		r = htcondor_ad_next(work->list, &cursor, &ad, err);
		if (r < 0)
			return r;
		if (r == HTCONDOR_AD_END)
			return 0;
		r = take_ad(work, &ad);
		if (r < 0)
			return error_set_errno(err, r,
					       "cannot answer for all files");
	}
}

static int write_all(const struct work *work, struct error *err)
{
	const struct htcondor_options *options = work->options;
	int r = io_write_file_atomic(AT_FDCWD, options->outfile,
				     work->answer.data, work->answer.size, err);

	if (r == 0 && options->rest)
		r = io_write_file_atomic(AT_FDCWD, options->rest,
					 work->rest.data, work->rest.size, err);
	if (r == 0 && !options->rest && work->rest.size > 0)
		r = error_set(err, -EINVAL,
			      "there are files that are no image: name a file "
			      "for them by --rest, and give it to another "
			      "plugin");
	return r;
}

static int htcondor_main(void *values, char **operands, int count,
			 struct error *err)
{
	struct htcondor_options *options = values;
	struct buffer list CLEANUP(buffer_fini) = BUFFER_INIT(LIST_SIZE_MAX);
	struct job_image_name image CLEANUP(job_image_name_fini) = { 0 };
	struct work work = {
		.options = options,
		.image = &image,
		.answer = BUFFER_INIT(LIST_SIZE_MAX * 4),
		.rest = BUFFER_INIT(LIST_SIZE_MAX * 2),
	};
	int r;

	(void)operands;
	(void)count;
	if (!options->infile || !options->outfile)
		return command_usage_error(err, "--infile and --outfile are "
						"needed");
	load_name(options->job_ad, &image);
	options->common.tag_ttl_ms = 0;
	options->common.quiet = true;
	r = read_file(options->infile, &list, err);
	work.list = r == 0 ? (const char *)list.data : "";
	if (r == 0)
		r = take_all(&work, err);
	if (r == 0)
		r = write_all(&work, err);
	if (r == 0 && work.first.code < 0)
		r = error_set(err, work.first.code, "%s", work.first.text);
	buffer_fini(&work.answer);
	buffer_fini(&work.rest);
	return r;
}

const struct command cmd_htcondor = {
	.name = "htcondor",
	.operands = "",
	.summary = "transfer a job's image as a stub (for HTCondor's plugin)",
	.details = "Of the files that HTCondor lists, the one that the job's "
		   "ad names as its\nContainerImage is not fetched: a stub is "
		   "left, which lazyrun opens in its place.\ndocs/htcondor.md "
		   "has the rest.",
	.options = htcondor_option_table,
	.values_size = sizeof(struct htcondor_options),
	.operands_min = 0,
	.operands_max = 0,
	.failure_status = EXIT_FAILED,
	.main = htcondor_main,
};
