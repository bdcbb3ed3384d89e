/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * doctor_job: everything that a job needs of the kernel, tried.
 *
 * Threads: one at a time, before any other exists.
 */
struct doctor_report;

/** doctor_job_check() - namespaces, FUSE, an overlay, a root to enter */
void doctor_job_check(struct doctor_report *report);
