/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * doctor_host: what the host's kernel and settings say about jobs of ordinary
 * users.
 *
 * Threads: one at a time.
 */
struct doctor_report;

/**
 * doctor_host_check() - kernel, sysctls, AppArmor, /dev/fuse, limits
 * @root: "" for the host; of what is read below /proc, /sys, /etc and /dev
 */
void doctor_host_check(struct doctor_report *report, const char *root);

/**
 * doctor_host_check_kernel() - one release, "6.1.0-13-amd64"
 */
void doctor_host_check_kernel(struct doctor_report *report,
			      const char *release);
