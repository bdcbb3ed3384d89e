/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: what an image is: configuration, layers, index.
 */
#include "common/cleanup.h"
#include "common/error.h"
#include "image/image.h"
#include "image/object_layout.h"
#include "image/image_ref.h"
#include "index/hint_table.h"
#include "index/index_file.h"
#include "tools/command.h"
#include "tools/image_metadata.h"
#include "tools/image_text.h"
#include "tools/session.h"
#include "tools/size_text.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>
#include <string.h>

struct inspect_options {
	struct common_options common;
	struct image_metadata_options metadata;
	bool all;
	bool list_apps;
};

#define OPT(member) offsetof(struct inspect_options, member)

static const struct option inspect_option_table[] = {
	{ "labels", 'l', OPTION_FLAG, NULL, "its labels", NULL,
	  OPT(metadata.labels) },
	{ "environment", 'e', OPTION_FLAG, NULL, "its environment scripts",
	  NULL, OPT(metadata.environment) },
	{ "runscript", 'r', OPTION_FLAG, NULL, "what `run` executes", NULL,
	  OPT(metadata.runscript) },
	{ "test", 't', OPTION_FLAG, NULL, "what `test` executes", NULL,
	  OPT(metadata.test) },
	{ "helpfile", 'H', OPTION_FLAG, NULL, "its help", NULL,
	  OPT(metadata.helpfile) },
	{ "deffile", 'd', OPTION_FLAG, NULL, "what it was built from", NULL,
	  OPT(metadata.deffile) },
	{ "startscript", 's', OPTION_FLAG, NULL, "what instances start", NULL,
	  OPT(metadata.startscript) },
	{ "all", 0, OPTION_FLAG, NULL, "all of these, as JSON", NULL,
	  OPT(all) },
	{ "app", 0, OPTION_TEXT, "NAME", "the same of an application (SCIF)",
	  NULL, OPT(metadata.app) },
	{ "list-apps", 0, OPTION_FLAG, NULL, "the applications' names", NULL,
	  OPT(list_apps) },
	{ "as-json", 'j', OPTION_FLAG, NULL, "the same as --json", NULL,
	  OPT(common.json) },
	{ 0 },
};

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

static void print_descriptor(const struct sif_file_descriptor *d)
{
	char size[SIZE_TEXT_MAX];

	printf("%-12s %2u %s, %s", "", d->id, sif_file_type_name(d->type),
	       size_text_format(d->size, size));
	if (d->type == SIF_FILE_PARTITION)
		printf(" at %llu, %s", (unsigned long long)d->off, d->arch);
	if (d->type == SIF_FILE_SIGNATURE)
		printf(" of %u (not checked)", d->linked & 0x0fffffff);
	if (d->name[0])
		printf(", \"%s\"", d->name);
	printf("\n");
}

/* What the file says of itself: a SIF's descriptors, SquashFS's figures. */
static void print_object(const struct object_layout *layout)
{
	const struct squashfs_super *super = &layout->super;
	struct sif_file_descriptor d;

	printf("%-12s %s%s, blocks of %u KiB, %u files, tables of %llu KiB\n",
	       layout->is_sif ? "sif" : "squashfs",
	       layout->is_sif ? "SquashFS by " : "",
	       squashfs_super_compressor_name(super->compressor),
	       super->block_size >> 10, super->inode_count,
	       (unsigned long long)(super->bytes_used - super->inode_table) >>
		       10);
	for (uint32_t i = 0; layout->is_sif && i < layout->sif.descriptor_count;
	     i++)
		if (sif_file_parse_descriptor(
			    layout->descriptors +
				    (size_t)i * SIF_FILE_DESCRIPTOR_SIZE,
			    &d))
			print_descriptor(&d);
}

static void count_hints(const struct index_file *index, struct hint_table *ret,
			size_t *ret_size)
{
	struct index_figures f;
	const uint8_t *bytes = index_file_hints(index, ret_size);

	index_file_get_figures(index, &f);
	*ret = (struct hint_table){ 0 };
	if (hint_table_decode(bytes, *ret_size, f.inode_count, ret, NULL) < 0)
		*ret_size = 0;
}

static void print_hints(const struct index_file *index)
{
	CLEANUP(hint_table_fini) struct hint_table table;
	char text[SIZE_TEXT_MAX];
	size_t size;

	count_hints(index, &table, &size);
	if (size == 0)
		printf("%-12s none\n", "hints");
	else
		printf("%-12s %s; of %u files, naming %u\n", "hints",
		       size_text_format(size, text), table.record_count,
		       table.target_count);
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
	printf("%-12s %u files, %u chunks, %s\n", "", f.inode_count,
	       f.chunk_count,
	       index_file_has_digests(index)
		       ? "every one with a SHA-256 digest"
		       : "without digests: what decodes is believed "
			 "(`lazyrun index` makes them)");
	print_hints(index);
}

static void print_text(const struct image *image,
		       const struct object_layout *object,
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
	if (object)
		print_object(object);
	else
		print_layers(image_manifest(image));
	print_index(index);
}

static json_t *index_to_json(const struct index_file *index)
{
	CLEANUP(hint_table_fini) struct hint_table hints = { 0 };
	struct index_figures f;
	size_t hint_size;

	if (!index)
		return json_null();
	index_file_get_figures(index, &f);
	count_hints(index, &hints, &hint_size);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}",
			 "hint_bytes", (json_int_t)hint_size, "hint_files",
			 (json_int_t)hints.record_count, "hint_targets",
			 (json_int_t)hints.target_count, "index_bytes",
			 (json_int_t)f.file_size, "mount_bytes",
			 (json_int_t)f.mount_size, "window_bytes",
			 (json_int_t)f.window_size, "inodes",
			 (json_int_t)f.inode_count, "chunks",
			 (json_int_t)f.chunk_count, "digests",
			 index_file_has_digests(index));
}

static bool is_utf8(const char *text)
{
	json_t *json = json_string(text);
	bool is_good = json;

	json_decref(json);
	return is_good;
}

/* JSON has no place for names that are not UTF-8: they are left out. */
static json_t *descriptor_to_json(const struct sif_file_descriptor *d)
{
	return json_pack("{s:i, s:s, s:I, s:I, s:s*, s:i, s:s*}", "id",
			 (int)d->id, "type", sif_file_type_name(d->type), "off",
			 (json_int_t)d->off, "size", (json_int_t)d->size,
			 "arch", d->arch[0] ? d->arch : NULL, "linked",
			 (int)(d->linked & 0x0fffffff), "name",
			 is_utf8(d->name) ? d->name : NULL);
}

static json_t *object_to_json(const struct object_layout *layout)
{
	json_t *list = json_array();
	struct sif_file_descriptor d;

	for (uint32_t i = 0; layout->is_sif && i < layout->sif.descriptor_count;
	     i++)
		if (sif_file_parse_descriptor(
			    layout->descriptors +
				    (size_t)i * SIF_FILE_DESCRIPTOR_SIZE,
			    &d))
			json_array_append_new(list, descriptor_to_json(&d));
	return json_pack(
		"{s:s, s:s, s:i, s:I, s:o}", "type",
		layout->is_sif ? "sif" : "squashfs", "compressor",
		squashfs_super_compressor_name(layout->super.compressor),
		"block_size", (int)layout->super.block_size, "image_off",
		(json_int_t)layout->image_off, "descriptors", list);
}

/* The image's own manifest and configuration, whole, and our figures. */
static int print_json(const struct image *image,
		      const struct object_layout *object,
		      const struct index_file *index, struct error *err)
{
	char digest[DIGEST_TEXT_SIZE];
	size_t manifest_size;
	size_t config_size;
	const char *manifest = image_manifest_json(image, &manifest_size);
	const char *config = image_config_json(image, &config_size);
	json_t *json;

	digest_format(image_manifest_digest(image), digest);
	json = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o*}", "image",
			 image_reference(image), "digest", digest, "manifest",
			 json_loadb(manifest, manifest_size, 0, NULL), "config",
			 json_loadb(config, config_size, 0, NULL), "index",
			 index_to_json(index), "object",
			 object ? object_to_json(object) : NULL);
	if (!json)
		return error_set(err, -ENOMEM, "out of memory");
	json_dumpf(json, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(json);
	return 0;
}

/* Any of Apptainer's options asks for what it prints. */
static bool is_metadata_wanted(struct inspect_options *options)
{
	struct image_metadata_options *wanted = &options->metadata;

	if (options->all)
		*wanted = (struct image_metadata_options){
			.labels = true,
			.environment = true,
			.runscript = true,
			.test = true,
			.helpfile = true,
			.deffile = true,
			.startscript = true,
			.json = true,
			.all_apps = true,
			.app = wanted->app,
		};
	wanted->json |= options->common.json;
	if (wanted->labels || wanted->environment || wanted->runscript ||
	    wanted->test || wanted->helpfile || wanted->deffile ||
	    wanted->startscript || options->list_apps)
		return true;
	wanted->labels = options->common.is_apptainer || wanted->app;
	return wanted->labels;
}

static int print_metadata(const struct inspect_options *options,
			  const struct image_text_source *source,
			  const char *const *labels, struct error *err)
{
	if (options->list_apps)
		return image_metadata_print_apps(source, err);
	return image_metadata_print(source, &options->metadata, labels, err);
}

static int inspect_directory(const struct inspect_options *options,
			     const char *path, struct error *err)
{
	autoclose int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct image_text_source source = { .dir_fd = fd };

	if (fd < 0)
		return error_set_errno(err, -errno, "cannot open %s", path);
	return print_metadata(options, &source, NULL, err);
}

/* As Apptainer prints it. */
static int inspect_metadata(const struct inspect_options *options,
			    const char *image, struct error *err)
{
	CLEANUP(session_closep) struct session *session = NULL;
	struct image_text_source source = { .dir_fd = -1 };
	struct image_ref ref = { 0 };
	int r = image_ref_parse(image, &ref, err);

	if (r < 0)
		return r;
	if (ref.kind == IMAGE_REF_DIRECTORY) {
		r = inspect_directory(options, ref.path, err);
		image_ref_fini(&ref);
		return r;
	}
	image_ref_fini(&ref);
	r = session_open(image, &options->common, SESSION_LOADER, &session,
			 err);
	if (r < 0)
		return r;
	source.session = session;
	return print_metadata(
		options, &source,
		(const char *const *)image_config(session_image(session))
			->labels,
		err);
}

static int inspect_main(void *values, char **operands, int count,
			struct error *err)
{
	struct inspect_options *inspect = values;
	const struct common_options *options = &inspect->common;
	CLEANUP(session_closep) struct session *session = NULL;
	struct object_layout layout CLEANUP(object_layout_fini) = { 0 };
	const struct object_layout *object = NULL;
	int r;

	(void)count;
	if (is_metadata_wanted(inspect))
		return inspect_metadata(inspect, operands[0], err);
	r = session_open(operands[0], options, SESSION_IMAGE, &session, err);
	if (r < 0)
		return r;
	r = session_find_index(session, err);
	if (r < 0)
		return r;
	r = image_load_manifest(session_image(session), err);
	if (r < 0)
		return r;
	if (image_is_object(session_image(session))) {
		r = image_load_object(session_image(session), false, &layout,
				      NULL, err);
		if (r < 0)
			return r;
		object = &layout;
	}
	if (options->json)
		return print_json(session_image(session), object,
				  session_index(session), err);
	print_text(session_image(session), object, session_index(session));
	return 0;
}

const struct command cmd_inspect = {
	.name = "inspect",
	.operands = "IMAGE",
	.summary = "show an image's configuration, layers and index",
	.details = "With -l to --all, what `apptainer inspect` prints of an "
		   "image's /.singularity.d.",
	.options = inspect_option_table,
	.values_size = sizeof(struct inspect_options),
	.operands_min = 1,
	.operands_max = 1,
	.failure_status = EXIT_FAILED,
	.main = inspect_main,
};
