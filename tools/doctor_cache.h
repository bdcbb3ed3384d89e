/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * doctor_cache: where the cache is, and whether it can be of use there.
 *
 * Threads: one at a time.
 */
struct doctor_report;

/** doctor_cache_check() - @dir: of --cache-dir; NULL: the usual place */
void doctor_cache_check(struct doctor_report *report, const char *dir);
