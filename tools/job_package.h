/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job_package: on a long link, asks for a Python package's modules when the job
 * first reads one of them and nothing else says what the job will read.
 *
 * Threads: job_package_observe() on the filesystem's; the rest one at a time,
 * before and after those.
 */
#include <stdint.h>

struct session;

enum {
	JOB_PACKAGE_SIZE_MAX = 16 << 20, /* stored bytes for one package */
	JOB_PACKAGE_LINK_SHARE = 4, /* of what the link brings in a second */
};

/* Starts as = { 0 }: nothing is asked for. */
struct job_package {
	struct session *session; /* borrowed */
	uint8_t *seen; /* a bit for each inode: packages asked for; atomic */
	uint32_t inode_count;
};

/** job_package_start() - where an index has no hints
 * @session: opened as far as SESSION_LOADER
 * @mode:    --hints: NULL or "auto", or "off": nothing is asked for; nor is it
 *           without memory */
void job_package_start(struct job_package *package, struct session *session,
		       const char *mode);
void job_package_fini(struct job_package *package);

/** job_package_observe() - the job reads this file */
void job_package_observe(struct job_package *package, uint32_t inode);
