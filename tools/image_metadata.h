/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_metadata: what an image's /.singularity.d says, as `apptainer inspect`
 * prints it.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>

struct error;
struct image_text_source;

struct image_metadata_options {
	bool labels;
	bool environment;
	bool runscript;
	bool test;
	bool helpfile;
	bool deffile;
	bool startscript;
	bool json;
	bool all_apps;	 /* each application's, too (SCIF); JSON only */
	const char *app; /* of this one instead; NULL */
};

/**
 * image_metadata_print() - the parts asked for, to standard output
 * @labels: "NAME=value" of an OCI configuration, for an image without
 *          labels of its own; NULL-ended; NULL: none
 *
 * Parts that the image lacks are left out.
 *
 * Return: 0; -ENOENT (no such application) or other negative errno with @err.
 */
int image_metadata_print(const struct image_text_source *source,
			 const struct image_metadata_options *options,
			 const char *const *labels, struct error *err);

/** image_metadata_print_apps() - the applications' names, one a line; 0 or
 * negative errno with @err */
int image_metadata_print_apps(const struct image_text_source *source,
			      struct error *err);
