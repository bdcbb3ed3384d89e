/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor_report.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_words[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
};

void doctor_report_add(struct doctor_report *report, enum doctor_level level,
		       const char *topic, const char *fix, const char *fmt, ...)
{
	struct doctor_finding *grown;
	struct doctor_finding finding = { .level = level };
	va_list args;

	grown = realloc(report->findings, (report->count + 1) * sizeof(*grown));
	if (!grown)
		return;
	report->findings = grown;
	va_start(args, fmt);
	if (vasprintf(&finding.text, fmt, args) < 0)
		finding.text = NULL;
	va_end(args);
	finding.topic = strdup(topic);
	finding.fix = fix ? strdup(fix) : NULL;
	if (finding.text && finding.topic && (finding.fix || !fix)) {
		grown[report->count++] = finding;
		return;
	}
	free(finding.text);
	free(finding.topic);
	free(finding.fix);
}

const struct doctor_finding *doctor_report_find(
	const struct doctor_report *report, const char *topic)
{
	for (size_t i = 0; i < report->count; i++)
		if (strcmp(report->findings[i].topic, topic) == 0)
			return &report->findings[i];
	return NULL;
}

enum doctor_level doctor_report_worst(const struct doctor_report *report)
{
	enum doctor_level worst = DOCTOR_OK;

	for (size_t i = 0; i < report->count; i++)
		if (report->findings[i].level > worst)
			worst = report->findings[i].level;
	return worst;
}

void doctor_report_print(const struct doctor_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct doctor_finding *finding = &report->findings[i];

		printf("%-5s %-18s %s\n", level_words[finding->level],
		       finding->topic, finding->text);
		if (finding->fix)
			printf("%-5s %-18s -> %s\n", "", "", finding->fix);
	}
}

bool doctor_report_print_json(const struct doctor_report *report)
{
	json_t *list = json_array();
	json_t *root = json_pack("{s:b, s:o}", "ok",
				 doctor_report_worst(report) < DOCTOR_FAIL,
				 "findings", list);
	bool is_done = root != NULL;

	for (size_t i = 0; is_done && i < report->count; i++) {
		const struct doctor_finding *finding = &report->findings[i];

		is_done = json_array_append_new(
				  list,
				  json_pack("{s:s, s:s, s:s, s:s?}", "topic",
					    finding->topic, "level",
					    level_words[finding->level], "text",
					    finding->text, "fix",
					    finding->fix)) == 0;
	}
	if (is_done)
		is_done = json_dumpf(root, stdout,
				     JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0 &&
			  putchar('\n') != EOF;
	json_decref(root);
	return is_done;
}

void doctor_report_fini(struct doctor_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		free(report->findings[i].topic);
		free(report->findings[i].text);
		free(report->findings[i].fix);
	}
	free(report->findings);
	*report = (struct doctor_report){ 0 };
}
