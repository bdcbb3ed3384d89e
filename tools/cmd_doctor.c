/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: whether jobs can start on this host, and what to do when not.
 */
#include "common/error.h"
#include "tools/command.h"
#include "tools/doctor_cache.h"
#include "tools/doctor_gpu.h"
#include "tools/doctor_host.h"
#include "tools/doctor_job.h"
#include "tools/doctor_report.h"
#include "tools/session.h"

#include <errno.h>
#include <stddef.h>

struct doctor_options {
	struct common_options common;
	const char *driver_root;
	bool gpu;
};

static const struct option doctor_option_table[] = {
	{ "gpu", 0, OPTION_FLAG, NULL, "GPUs, drivers and CDI files, too", NULL,
	  offsetof(struct doctor_options, gpu) },
	{ "driver-root", 0, OPTION_TEXT, "DIR",
	  "where the GPU's driver is installed [/]", "LAZYRUN_DRIVER_ROOT",
	  offsetof(struct doctor_options, driver_root) },
	{ 0 },
};

/* Its registry, federation or file; nothing remembered is believed. */
static void check_image(struct doctor_report *report, const char *image,
			const struct common_options *common)
{
	CLEANUP(session_closep) struct session *session = NULL;
	struct common_options options = *common;
	struct error err = { 0 };

	options.tag_ttl_ms = 0;
	if (session_open(image, &options, SESSION_IMAGE, &session, &err) < 0)
		doctor_report_add(report, DOCTOR_FAIL, "image",
				  "what the sentence says", "%s: %s", image,
				  err.text);
	else
		doctor_report_add(report, DOCTOR_OK, "image", NULL,
				  "%s can be reached", image);
}

static int doctor_main(void *values, char **operands, int count,
		       struct error *err)
{
	struct doctor_options *options = values;
	struct doctor_report report CLEANUP(doctor_report_fini) = { 0 };

	doctor_host_check(&report, "");
	doctor_job_check(&report);
	doctor_cache_check(&report, options->common.cache_dir);
	if (options->gpu)
		doctor_gpu_check(&report, options->driver_root, NULL);
	if (count > 0)
		check_image(&report, operands[0], &options->common);
	if (!options->common.json)
		doctor_report_print(&report);
	else if (!doctor_report_print_json(&report))
		return error_set(err, -ENOMEM, "out of memory");
	return doctor_report_worst(&report) < DOCTOR_FAIL ? 0 : EXIT_FAILED;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.operands = "[IMAGE]",
	.summary = "say whether jobs can start here, and what is missing",
	.details = "A line for each thing, and what to do where something is "
		   "missing.  With IMAGE its\nregistry or federation is asked "
		   "for it, too; else no network is used.  Exit status:\n1 "
		   "when no job can start.",
	.options = doctor_option_table,
	.values_size = sizeof(struct doctor_options),
	.operands_min = 0,
	.operands_max = 1,
	.failure_status = EXIT_FAILED,
	.main = doctor_main,
};
