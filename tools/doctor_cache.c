/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor_cache.h"

#include "common/error.h"
#include "common/io.h"
#include "tools/config.h"
#include "tools/doctor_report.h"
#include "tools/size_text.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const uint64_t space_little = UINT64_C(2) << 30;

void doctor_cache_check(struct doctor_report *report, const char *dir)
{
	static const char fix[] =
		"name a place on the node's own disk: cache-dir = DIR in "
		"/etc/lazyrun.conf, or LAZYRUN_CACHEDIR";
	char usual[PATH_MAX];
	char size[SIZE_TEXT_MAX];
	struct error err = { 0 };
	struct statvfs fs;
	uint64_t space;

	if (!dir && config_cache_dir(usual, sizeof(usual), &err) < 0) {
		doctor_report_add(report, DOCTOR_FAIL, "cache", fix, "%s",
				  err.text);
		return;
	}
	if (!dir)
		dir = usual;
	if (io_mkdir_all(dir, 0700, &err) < 0 || access(dir, W_OK) < 0 ||
	    statvfs(dir, &fs) < 0) {
		doctor_report_add(report, DOCTOR_FAIL, "cache", fix,
				  "%s cannot be used: %s", dir,
				  err.code ? err.text : "it is not writable");
		return;
	}
	space = (uint64_t)fs.f_bavail * fs.f_frsize;
	size_text_format(space, size);
	if (space < space_little)
		doctor_report_add(report, DOCTOR_WARN, "cache", fix,
				  "%s: only %s free", dir, size);
	else
		doctor_report_add(report, DOCTOR_OK, "cache", NULL,
				  "%s: %s free", dir, size);
	if (config_is_on_network(dir))
		doctor_report_add(report, DOCTOR_WARN, "cache", fix,
				  "%s is on a network file system: every node "
				  "reads its chunks from there again",
				  dir);
}
