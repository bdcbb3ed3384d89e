/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: what an image is: configuration, layers, index.
 */
#include "common/cleanup.h"
#include "common/error.h"
#include "image/image.h"
#include "index/index_file.h"
#include "tools/command.h"
#include "tools/session.h"
#include "tools/size_text.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void print_words(const char *what, char *const *words)
{
	if (!words[0])
		return;
	printf("%-12s", what);
	for (; *words; words++)
		printf(" %s", *words);
	printf("\n");
}

static void print_lines(const char *what, char *const *lines)
{
	for (; *lines; lines++, what = "")
		printf("%-12s %s\n", what, *lines);
}

static void print_layers(const struct manifest *manifest)
{
	char digest[DIGEST_TEXT_SIZE];
	char size[SIZE_TEXT_MAX];

	for (uint32_t i = 0; i < manifest->layer_count; i++) {
		digest_format(&manifest->layers[i].digest, digest);
		printf("layer %-6u %s %s\n", i, digest,
		       size_text_format(manifest->layers[i].size, size));
	}
}

static void print_index(const struct index_file *index)
{
	struct index_figures f;
	char text[4][SIZE_TEXT_MAX];

	if (!index) {
		printf("%-12s none at hand; `lazyrun index` makes one\n",
		       "index");
		return;
	}
	index_file_get_figures(index, &f);
	printf("%-12s %s (%.2f %% of %s), %s to mount, windows %s\n", "index",
	       size_text_format(f.file_size, text[0]),
	       100.0 * (double)f.file_size / (double)f.stored_size,
	       size_text_format(f.stored_size, text[1]),
	       size_text_format(f.mount_size, text[2]),
	       size_text_format(f.window_size, text[3]));
	printf("%-12s %u files, %u chunks, every one with a SHA-256 digest\n",
	       "", f.inode_count, f.chunk_count);
}

static void print_text(const struct image *image,
		       const struct index_file *index)
{
	const struct image_config *config = image_config(image);
	char digest[DIGEST_TEXT_SIZE];

	digest_format(image_manifest_digest(image), digest);
	printf("%-12s %s\n", "image", image_reference(image));
	printf("%-12s %s\n", "digest", digest);
	printf("%-12s %s/%s%s%s\n", "platform", config->os,
	       config->architecture, config->variant[0] ? "/" : "",
	       config->variant);
	print_words("entrypoint", config->entrypoint);
	print_words("command", config->cmd);
	if (config->working_dir[0])
		printf("%-12s %s\n", "directory", config->working_dir);
	if (config->user[0])
		printf("%-12s %s\n", "user", config->user);
	print_lines("environment", config->env);
	print_lines("labels", config->labels);
	print_layers(image_manifest(image));
	print_index(index);
}

static json_t *index_to_json(const struct index_file *index)
{
	struct index_figures f;

	if (!index)
		return json_null();
	index_file_get_figures(index, &f);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:b}", "index_bytes",
			 (json_int_t)f.file_size, "mount_bytes",
			 (json_int_t)f.mount_size, "window_bytes",
			 (json_int_t)f.window_size, "inodes",
			 (json_int_t)f.inode_count, "chunks",
			 (json_int_t)f.chunk_count, "digests", 1);
}

/* The image's own manifest and configuration, whole, and our figures. */
static int print_json(const struct image *image, const struct index_file *index,
		      struct error *err)
{
	char digest[DIGEST_TEXT_SIZE];
	size_t manifest_size;
	size_t config_size;
	const char *manifest = image_manifest_json(image, &manifest_size);
	const char *config = image_config_json(image, &config_size);
	json_t *json;

	digest_format(image_manifest_digest(image), digest);
	json = json_pack("{s:s, s:s, s:o, s:o, s:o}", "image",
			 image_reference(image), "digest", digest, "manifest",
			 json_loadb(manifest, manifest_size, 0, NULL), "config",
			 json_loadb(config, config_size, 0, NULL), "index",
			 index_to_json(index));
	if (!json)
		return error_set(err, -ENOMEM, "out of memory");
	json_dumpf(json, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(json);
	return 0;
}

static int inspect_main(void *values, char **operands, int count,
			struct error *err)
{
	const struct common_options *options = values;
	CLEANUP(session_closep) struct session *session = NULL;
	int r;

	(void)count;
	r = session_open(operands[0], options, SESSION_IMAGE, &session, err);
	if (r < 0)
		return r;
	r = session_find_index(session, err);
	if (r < 0)
		return r;
	r = image_load_manifest(session_image(session), err);
	if (r < 0)
		return r;
	if (options->json)
		return print_json(session_image(session),
				  session_index(session), err);
	print_text(session_image(session), session_index(session));
	return 0;
}

const struct command cmd_inspect = {
	.name = "inspect",
	.operands = "IMAGE",
	.summary = "show an image's configuration, layers and index",
	.values_size = sizeof(struct common_options),
	.operands_min = 1,
	.operands_max = 1,
	.failure_status = EXIT_FAILED,
	.main = inspect_main,
};
