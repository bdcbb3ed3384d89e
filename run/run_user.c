/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_user.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum {
	NAME_SPACE = 16 << 10,	 /* for one entry of the name services */
	FILE_SIZE_MAX = 4 << 20, /* of a passwd that is read here */
	CAPABILITY_MAX = 63,
};

/* The first bytes of a small file, NUL-ended; "" when there is none. */
static void read_head(const char *path, char *ret, size_t size)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, ret, size - 1);

	ret[n < 0 ? 0 : n] = '\0';
}

static bool says(const char *path, const char *value)
{
	char text[64];

	read_head(path, text, sizeof(text));
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, value) == 0;
}

static bool has_capability(unsigned capability)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	return data[capability / 32].effective & (1u << capability % 32);
}

bool run_user_is_privileged(void)
{
	unsigned inside = 1;
	unsigned outside = 1;
	unsigned count = 0;
	char map[64];

	if (geteuid() != 0 || !has_capability(CAP_SYS_ADMIN))
		return false;
	/* Root of a container whose ids are mapped cannot show all ids. */
	read_head("/proc/self/uid_map", map, sizeof(map));
	if (sscanf(map, "%u %u %u", &inside, &outside, &count) != 3)
		return true;
	return inside == 0 && outside == 0 && count == UINT32_MAX;
}

/* A root that is no mount point. */
static bool is_chrooted(void)
{
	autofree char *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *mounts;

	mounts = fopen("/proc/self/mountinfo", "re");
	if (!mounts)
		return false;
	while (!found && getline(&line, &size, mounts) > 0) {
		int off = 0; /* of the mount point */

		(void)sscanf(line, "%*s %*s %*s %*s %n", &off);
		found = strncmp(line + off, "/ ", 2) == 0;
	}
	fclose(mounts);
	return !found;
}

const char *run_user_obstacle(void)
{
	if (says("/proc/sys/user/max_user_namespaces", "0"))
		return "user namespaces are switched off by the sysctl "
		       "user.max_user_namespaces=0: ask for a larger value";
	if (says("/proc/sys/kernel/unprivileged_userns_clone", "0"))
		return "user namespaces are switched off by the sysctl "
		       "kernel.unprivileged_userns_clone=0: ask for 1";
	if (says("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
		return "AppArmor restricts user namespaces (sysctl kernel."
		       "apparmor_restrict_unprivileged_userns=1): install an "
		       "AppArmor profile for lazyrun that allows userns, or "
		       "ask for 0";
	if (is_chrooted())
		return "this is a chroot, in which the kernel allows no user "
		       "namespace: use pivot_root instead of chroot";
	return "a seccomp filter, a security module or the container around "
	       "this process forbids it: allow unshare(CLONE_NEWUSER) and "
	       "mount() there";
}

static int write_map(int proc_fd, const char *name, const char *text,
		     struct error *err)
{
	autoclose int fd = openat(proc_fd, name, O_WRONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		r = -errno;
	else
		r = io_write_full(fd, text, strlen(text));
	if (r == -EPERM || r == -EACCES)
		return error_set(err, -EPERM,
				 "the user namespace cannot be set up: %s",
				 run_user_obstacle());
	if (r < 0)
		return error_set_errno(err, r, "cannot write /proc/%s", name);
	return 0;
}

int run_user_unshare(int proc_fd, int others, uid_t uid, gid_t gid,
		     struct error *err)
{
	char uid_map[64];
	char gid_map[64];
	int r;

	snprintf(uid_map, sizeof(uid_map), "%u %u 1\n", uid, geteuid());
	snprintf(gid_map, sizeof(gid_map), "%u %u 1\n", gid, getegid());
	/* A process that changed its ids lost the right to its own maps. */
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER | others) < 0) {
		r = errno == EUSERS ? -ENOSPC : -errno;
		return error_set(err, r, "no user namespace can be made: %s",
				 run_user_obstacle());
	}
	r = write_map(proc_fd, "self/setgroups", "deny", err);
	if (r == 0)
		r = write_map(proc_fd, "self/uid_map", uid_map, err);
	if (r == 0)
		r = write_map(proc_fd, "self/gid_map", gid_map, err);
	return r;
}

/* Fields that would break a line of /etc/passwd are not taken. */
static void take_field(const char *text, char ret[RUN_USER_FIELD_SIZE])
{
	if (text && text[0] != '\0' && !strpbrk(text, ":\n") &&
	    strlen(text) < RUN_USER_FIELD_SIZE)
		snprintf(ret, RUN_USER_FIELD_SIZE, "%s", text);
}

/* The field at @index of a line that ends at @end. */
static void copy_field(const char *line, const char *end, unsigned index,
		       char ret[RUN_USER_FIELD_SIZE])
{
	size_t size;

	for (; index > 0; index--) {
		line = memchr(line, ':', (size_t)(end - line));
		if (!line)
			return;
		line++;
	}
	size = 0;
	while (line + size < end && line[size] != ':')
		size++;
	if (size == 0 || size >= RUN_USER_FIELD_SIZE)
		return;
	memcpy(ret, line, size);
	ret[size] = '\0';
}

/* Lines that mean others' (of NIS) are no entries. */
static bool is_entry(const char *line, const char *end, uint32_t id)
{
	char text[RUN_USER_FIELD_SIZE] = "";
	char wanted[16];

	if (*line == '+' || *line == '-' || *line == ':')
		return false;
	copy_field(line, end, 2, text);
	snprintf(wanted, sizeof(wanted), "%u", id);
	return strcmp(text, wanted) == 0;
}

/*
 * The line of an id in a file as /etc/passwd; NULL: none.  Name services look
 * into the same file first on nearly every host, but to ask them means two
 * connections to nscd, their configuration and a plug-in.
 */
static const char *find_line(const char *path, uint32_t id,
			     struct buffer *buffer, const char **ret_end)
{
	const char *line;

	buffer->size = 0;
	if (io_read_file(AT_FDCWD, path, buffer, NULL) < 0 ||
	    buffer_terminate(buffer) < 0)
		return NULL;
	for (line = (const char *)buffer->data; *line;) {
		const char *end = line + strcspn(line, "\n");

		if (is_entry(line, end, id)) {
			*ret_end = end;
			return line;
		}
		line = *end ? end + 1 : end;
	}
	return NULL;
}

static bool find_passwd(struct buffer *buffer, struct run_user *ret)
{
	const char *end;
	const char *line = find_line("/etc/passwd", ret->uid, buffer, &end);

	if (!line)
		return false;
	copy_field(line, end, 0, ret->name);
	copy_field(line, end, 4, ret->gecos);
	copy_field(line, end, 5, ret->home);
	copy_field(line, end, 6, ret->shell);
	return true;
}

static bool find_group(struct buffer *buffer, struct run_user *ret)
{
	const char *end;
	const char *line = find_line("/etc/group", ret->gid, buffer, &end);

	if (line)
		copy_field(line, end, 0, ret->group);
	return line != NULL;
}

static void ask_for_passwd(char *space, struct run_user *ret)
{
	struct passwd entry;
	struct passwd *found = NULL;

	if (getpwuid_r(ret->uid, &entry, space, NAME_SPACE, &found) != 0 ||
	    !found)
		return;
	take_field(found->pw_name, ret->name);
	take_field(found->pw_gecos, ret->gecos);
	take_field(found->pw_dir, ret->home);
	take_field(found->pw_shell, ret->shell);
}

static void ask_for_group(char *space, struct run_user *ret)
{
	struct group entry;
	struct group *found = NULL;

	if (getgrgid_r(ret->gid, &entry, space, NAME_SPACE, &found) == 0 &&
	    found)
		take_field(found->gr_name, ret->group);
}

void run_user_load(uid_t uid, gid_t gid, struct run_user *ret)
{
	struct buffer buffer CLEANUP(buffer_fini) = BUFFER_INIT(FILE_SIZE_MAX);
	autofree char *space = NULL;
	bool has_passwd;
	bool has_group;

	*ret = (struct run_user){
		.uid = uid,
		.gid = gid,
		.name = "user",
		.home = "/",
		.shell = "/bin/sh",
		.group = "user",
	};
	has_passwd = find_passwd(&buffer, ret);
	has_group = find_group(&buffer, ret);
	if (has_passwd && has_group)
		return;
	space = malloc(NAME_SPACE);
	if (!space)
		return;
	if (!has_passwd)
		ask_for_passwd(space, ret);
	if (!has_group)
		ask_for_group(space, ret);
}

static int say_not_dropped(struct error *err)
{
	return error_set_errno(err, -errno, "cannot give up capabilities");
}

int run_user_drop_power(struct error *err)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return say_not_dropped(err);
	for (unsigned long i = 0; i <= CAPABILITY_MAX; i++) {
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL) /* the kernel knows no more */
			break;
		return say_not_dropped(err);
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return say_not_dropped(err);
	if (syscall(SYS_capset, &header, none) < 0)
		return say_not_dropped(err);
	return 0;
}
