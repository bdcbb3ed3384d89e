/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor_job.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "run/run.h"
#include "tools/doctor_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void try_fuse(struct doctor_report *report)
{
	const struct run_options options = { .root_directory = NULL };
	CLEANUP(run_destroyp) struct run *run = NULL;
	autoclose int fd = -1;
	struct error err = { 0 };

	if (run_spawn(&options, &run, &err) < 0) {
		doctor_report_add(report, DOCTOR_FAIL, "FUSE mount",
				  "what the sentence says", "%s", err.text);
		return;
	}
	fd = run_take_fuse_fd(run);
	doctor_report_add(report, DOCTOR_OK, "FUSE mount", NULL,
			  "in namespaces of a user's own: works");
}

/* An empty directory as the image: that its command is not found says that
 * all before, overlay, binds and new root, has worked. */
static void try_root(struct doctor_report *report)
{
	static const char *const argv[] = { "/none", NULL };
	static const char *const envp[] = { NULL };
	char dir[] = "/tmp/lazyrun-doctor.XXXXXX";
	const struct run_options options = { .root_directory = dir };
	const struct run_job job = { .argv = argv, .envp = envp, .cwd = "/" };
	CLEANUP(run_destroyp) struct run *run = NULL;
	struct error err = { 0 };
	int exit_status = 0;
	int r;

	if (!mkdtemp(dir)) {
		doctor_report_add(report, DOCTOR_WARN, "/tmp",
				  "chmod 1777 /tmp",
				  "no directory can be made there");
		return;
	}
	r = run_spawn(&options, &run, &err);
	if (r == 0)
		r = run_start(run, &job, &exit_status, &err);
	rmdir(dir);
	if (r < 0 && exit_status == RUN_EXIT_NOT_FOUND)
		doctor_report_add(report, DOCTOR_OK, "root", NULL,
				  "overlay, binds and a new root: work");
	else
		doctor_report_add(report, DOCTOR_FAIL, "root",
				  "what the sentence says", "%s", err.text);
}

void doctor_job_check(struct doctor_report *report)
{
	try_fuse(report);
	try_root(report);
}
