/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor_host.h"

#include "tools/doctor_report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
	TEXT_SIZE = 65536,
	NAMESPACES_FEW = 128, /* a job takes two */
	FILES_FEW = 1024,
};

/* What is missing from older kernels; newest last. */
static const struct {
	unsigned major;
	unsigned minor;
	enum doctor_level level;
	const char *what;
} kernels[] = {
	{ 5, 12, DOCTOR_FAIL,
	  "jobs need 5.12 (mount_setattr, overlayfs in user namespaces)" },
	{ 6, 6, DOCTOR_NOTE,
	  "with --writable-tmpfs, replacing a directory of the image needs "
	  "6.6 (user xattrs on tmpfs)" },
};

/* "" when the file is not there. */
static bool read_text(const char *root, const char *path, char *ret,
		      size_t capacity)
{
	char whole[PATH_MAX];
	ssize_t n = -1;
	int fd;

	ret[0] = '\0';
	snprintf(whole, sizeof(whole), "%s%s", root, path);
	fd = open(whole, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, ret, capacity - 1);
		close(fd);
	}
	if (n < 0)
		return false;
	ret[n] = '\0';
	return true;
}

static bool exists(const char *root, const char *path)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	return access(whole, F_OK) == 0;
}

void doctor_host_check_kernel(struct doctor_report *report, const char *release)
{
	unsigned major;
	unsigned minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2) {
		doctor_report_add(report, DOCTOR_NOTE, "kernel", NULL,
				  "its release \"%s\" is no number", release);
		return;
	}
	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++) {
		if (major > kernels[i].major ||
		    (major == kernels[i].major && minor >= kernels[i].minor))
			continue;
		doctor_report_add(report, kernels[i].level, "kernel",
				  "use a newer kernel", "Linux %s: %s", release,
				  kernels[i].what);
		return;
	}
	doctor_report_add(report, DOCTOR_OK, "kernel", NULL, "Linux %s",
			  release);
}

static void check_namespaces(struct doctor_report *report, const char *root)
{
	static const char topic[] = "user namespaces";
	char text[64];
	long long count;

	if (!exists(root, "/proc/self/ns/user")) {
		doctor_report_add(report, DOCTOR_FAIL, topic,
				  "use a kernel with CONFIG_USER_NS",
				  "this kernel has none");
		return;
	}
	if (!read_text(root, "/proc/sys/user/max_user_namespaces", text,
		       sizeof(text)))
		return;
	count = strtoll(text, NULL, 10);
	if (count == 0)
		doctor_report_add(report, DOCTOR_FAIL, topic,
				  "sysctl user.max_user_namespaces=15000 (in "
				  "/etc/sysctl.d to keep it)",
				  "switched off: user.max_user_namespaces=0");
	else if (count < NAMESPACES_FEW)
		doctor_report_add(report, DOCTOR_WARN, topic,
				  "sysctl user.max_user_namespaces=15000",
				  "user.max_user_namespaces=%lld, and every "
				  "job takes two",
				  count);
	else
		doctor_report_add(report, DOCTOR_OK, topic, NULL,
				  "user.max_user_namespaces=%lld", count);
	if (read_text(root, "/proc/sys/kernel/unprivileged_userns_clone", text,
		      sizeof(text)) &&
	    text[0] == '0')
		doctor_report_add(report, DOCTOR_FAIL, topic,
				  "sysctl kernel.unprivileged_userns_clone=1",
				  "kernel.unprivileged_userns_clone=0");
}

static void check_apparmor(struct doctor_report *report, const char *root)
{
	static const char topic[] = "AppArmor";
	char text[64];
	char profile[256];

	if (!read_text(root,
		       "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
		       text, sizeof(text)))
		return;
	if (text[0] == '0') {
		doctor_report_add(report, DOCTOR_OK, topic, NULL,
				  "does not restrict user namespaces");
		return;
	}
	/* that of the profile which lazyrun itself runs under */
	if (read_text(root, "/proc/self/attr/current", profile,
		      sizeof(profile)) &&
	    strncmp(profile, "lazyrun", 7) == 0)
		doctor_report_add(report, DOCTOR_OK, topic, NULL,
				  "restricts user namespaces; the profile "
				  "lazyrun allows them");
	else
		doctor_report_add(
			report, DOCTOR_FAIL, topic,
			"install the profile: cp " LAZYRUN_DATADIR
			"/apparmor/lazyrun /etc/apparmor.d/ && "
			"apparmor_parser -r /etc/apparmor.d/lazyrun",
			"restricts user namespaces (kernel.apparmor_restrict_"
			"unprivileged_userns=1), and no profile lets lazyrun "
			"have them");
}

static void check_fuse(struct doctor_report *report, const char *root)
{
	static const char topic[] = "/dev/fuse";
	char whole[PATH_MAX];
	struct stat st;

	snprintf(whole, sizeof(whole), "%s/dev/fuse", root);
	if (stat(whole, &st) < 0)
		doctor_report_add(report, DOCTOR_FAIL, topic,
				  "modprobe fuse; in a container, give it: "
				  "--device /dev/fuse",
				  "is not there");
	else if ((st.st_mode & 0666) != 0666)
		doctor_report_add(
			report, DOCTOR_FAIL, topic,
			"chmod 666 /dev/fuse (udev: KERNEL==\"fuse\", "
			"MODE=\"0666\")",
			"has mode %03o: ordinary users cannot open it",
			(unsigned)st.st_mode & 0777);
	else
		doctor_report_add(report, DOCTOR_OK, topic, NULL,
				  "is there for everyone");
}

/* In a line of its own, as /proc/filesystems has them. */
static bool has_filesystem(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = strstr(text, name); at; at = strstr(at + 1, name))
		if (at > text && at[-1] == '\t' && at[len] == '\n')
			return true;
	return false;
}

static void check_filesystems(struct doctor_report *report, const char *root)
{
	static const char *const names[] = { "fuse", "overlay", "tmpfs" };
	char text[TEXT_SIZE];

	if (!read_text(root, "/proc/filesystems", text, sizeof(text))) {
		doctor_report_add(report, DOCTOR_FAIL, "/proc",
				  "mount -t proc proc /proc", "is not mounted");
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char fix[64];

		snprintf(fix, sizeof(fix), "modprobe %s", names[i]);
		if (has_filesystem(text, names[i]))
			doctor_report_add(report, DOCTOR_OK, names[i], NULL,
					  "the kernel has it");
		else
			doctor_report_add(report, DOCTOR_FAIL, names[i], fix,
					  "the kernel has it not, or not yet");
	}
}

/* Mounts over parts of /proc (a container's) forbid a new one. */
static void check_proc(struct doctor_report *report, const char *root)
{
	char text[TEXT_SIZE];
	unsigned count = 0;

	if (!read_text(root, "/proc/self/mountinfo", text, sizeof(text)))
		return;
	for (const char *at = strstr(text, " /proc/"); at;
	     at = strstr(at + 1, " /proc/"))
		count++;
	if (count > 0)
		doctor_report_add(report, DOCTOR_NOTE, "/proc", NULL,
				  "%u of its files are masked (a container?): "
				  "--pid, which needs a new one, may be "
				  "refused",
				  count);
}

static void check_limits(struct doctor_report *report)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_cur < FILES_FEW)
		doctor_report_add(report, DOCTOR_WARN, "open files",
				  "ulimit -n 4096", "only %" PRIu64,
				  (uint64_t)limit.rlim_cur);
	else
		doctor_report_add(report, DOCTOR_OK, "open files", NULL,
				  "%" PRIu64, (uint64_t)limit.rlim_cur);
}

void doctor_host_check(struct doctor_report *report, const char *root)
{
	struct utsname name;

	if (uname(&name) == 0)
		doctor_host_check_kernel(report, name.release);
	check_namespaces(report, root);
	check_apparmor(report, root);
	check_filesystems(report, root);
	check_fuse(report, root);
	check_proc(report, root);
	check_limits(report);
}
