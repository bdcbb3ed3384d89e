/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_image: the image, as far as it decides what is executed.
 *
 * Either an index, or a directory of the host that is the image's root.
 *
 * Threads: any.
 */
#include <stdbool.h>

struct image_config;
struct index_file;

struct job_image {
	const struct index_file *index;	   /* borrowed; NULL: a directory */
	const struct image_config *config; /* borrowed; NULL: none */
	int dir_fd;			   /* O_PATH; -1: an index */
};

/** job_image_is_executable() - a regular file that somebody may execute; links
 * are followed within the image */
bool job_image_is_executable(const struct job_image *image, const char *path);
