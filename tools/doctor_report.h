/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * doctor_report: what `lazyrun doctor` found, for people and programs.
 *
 * Threads: one at a time.
 */
#include <stdbool.h>
#include <stddef.h>

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_NOTE, /* good to know */
	DOCTOR_WARN, /* something that some jobs need is missing */
	DOCTOR_FAIL, /* no job will start */
};

struct doctor_finding {
	enum doctor_level level;
	char *topic; /* "user namespaces" */
	char *text;  /* what is there, or not */
	char *fix;   /* what helps; NULL when nothing has to be done */
};

struct doctor_report {
	struct doctor_finding *findings;
	size_t count;
};

/**
 * doctor_report_add() - one finding
 * @fix: copied; NULL: nothing has to be done
 *
 * One that memory does not suffice for is left out.
 */
void doctor_report_add(struct doctor_report *report, enum doctor_level level,
		       const char *topic, const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/** doctor_report_find() - the first of a topic; NULL without one */
const struct doctor_finding *doctor_report_find(
	const struct doctor_report *report, const char *topic);

/** doctor_report_worst() - the highest level; DOCTOR_OK of an empty one */
enum doctor_level doctor_report_worst(const struct doctor_report *report);

/** doctor_report_print() - lines on stdout, a fix below its finding */
void doctor_report_print(const struct doctor_report *report);

/** doctor_report_print_json() - one object on stdout; false: no memory */
bool doctor_report_print_json(const struct doctor_report *report);

void doctor_report_fini(struct doctor_report *report);
