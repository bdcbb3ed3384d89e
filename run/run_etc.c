/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_etc.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "run/run_mount.h"
#include "run/run_path.h"
#include "run/run_user.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	FILE_SIZE_MAX = 1 << 20,
	LINE_SIZE = PATH_MAX + 4 * RUN_USER_FIELD_SIZE,
};

/* The field at @index of a line, and its size; "" when there is none. */
static const char *find_field(const char *line, unsigned index,
			      size_t *ret_size)
{
	for (; index > 0; index--) {
		line += strcspn(line, ":\n");
		if (*line == ':')
			line++;
	}
	*ret_size = strcspn(line, ":\n");
	return line;
}

static bool shares_field(const char *a, const char *b, unsigned index)
{
	size_t a_size;
	size_t b_size;

	a = find_field(a, index, &a_size);
	b = find_field(b, index, &b_size);
	return a_size == b_size && a_size > 0 && memcmp(a, b, a_size) == 0;
}

int run_etc_merge(const char *old, const char *line, struct buffer *buffer)
{
	const char *rest = old;
	size_t size;
	int r;

	while (*rest && !shares_field(rest, line, 0) &&
	       !shares_field(rest, line, 2)) {
		rest += strcspn(rest, "\n");
		if (*rest)
			rest++;
	}
	size = (size_t)(rest - old);
	r = buffer_append(buffer, old, size);
	if (r == 0 && size > 0 && old[size - 1] != '\n')
		r = buffer_append(buffer, "\n", 1);
	if (r == 0)
		r = buffer_append(buffer, line, strlen(line));
	if (r == 0)
		r = buffer_append(buffer, "\n", 1);
	if (r == 0)
		r = buffer_append(buffer, rest, strlen(rest));
	return r;
}

static int read_text(int fd, struct buffer *buffer)
{
	char name[32];
	int r;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	r = io_read_file(AT_FDCWD, name, buffer, NULL);
	return r < 0 ? r : buffer_terminate(buffer);
}

static int write_text(int fd, const struct buffer *buffer)
{
	char name[32];
	autoclose int writable = -1;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	writable = open(name, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (writable < 0)
		return -errno;
	return io_write_full(writable, buffer->data, buffer->size);
}

static int add_line(int root_fd, const char *path, const char *line,
		    struct error *err)
{
	struct buffer old CLEANUP(buffer_fini) = BUFFER_INIT(FILE_SIZE_MAX);
	struct buffer merged CLEANUP(buffer_fini) =
		BUFFER_INIT(FILE_SIZE_MAX + LINE_SIZE + 2);
	autoclose int fd = run_path_open(root_fd, path, O_PATH);
	struct stat st;
	int r;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > FILE_SIZE_MAX)
		return 0;
	r = read_text(fd, &old);
	if (r == 0)
		r = run_etc_merge((const char *)old.data, line, &merged);
	if (r == 0)
		r = buffer_terminate(&merged);
	if (r == 0 && write_text(fd, &merged) < 0)
		/* Of another owner, when a directory is the image. */
		return run_mount_mask(root_fd, path, (const char *)merged.data,
				      err);
	if (r < 0)
		return error_set_errno(err, r, "cannot add the user to %s",
				       path);
	return 0;
}

static void format_passwd(const struct run_user *user, const char *home,
			  char ret[LINE_SIZE])
{
	if (!home || strpbrk(home, ":\n") || strlen(home) >= PATH_MAX)
		home = user->home;
	snprintf(ret, LINE_SIZE, "%s:x:%u:%u:%s:%s:%s", user->name, user->uid,
		 user->gid, user->gecos, home, user->shell);
}

static void format_group(const struct run_user *user, char ret[LINE_SIZE])
{
	snprintf(ret, LINE_SIZE, "%s:x:%u:%s", user->group, user->gid,
		 user->name);
}

/* Whether it has attributes that a new one would lack; or nobody can tell.  An
 * image without any says so to the first question, for good. */
static bool has_xattrs(int fd)
{
	char byte;
	ssize_t n = fgetxattr(fd, "user.overlay.metacopy", &byte, 1);

	if (n < 0 && errno == EOPNOTSUPP)
		return false;
	n = flistxattr(fd, NULL, 0);
	return n > 0 || (n < 0 && errno != EOPNOTSUPP);
}

/* The image's /etc in the upper layer; its descriptors.  False: it is no plain
 * folder. */
static bool make_folder(int image_fd, int upper_fd, int *ret_image_fd,
			int *ret_upper_fd)
{
	autoclose int from =
		openat(image_fd, "etc",
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autoclose int to = -1;
	struct stat st;

	if (from < 0 || fstat(from, &st) < 0 || st.st_uid != geteuid() ||
	    st.st_gid != getegid() || has_xattrs(from) ||
	    mkdirat(upper_fd, "etc", 0700) < 0)
		return false;
	to = openat(upper_fd, "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0 || fchmod(to, st.st_mode & 07777) < 0)
		return false;
	*ret_image_fd = STEAL_FD(from);
	*ret_upper_fd = STEAL_FD(to);
	return true;
}

/* Whether the file is there now; what is not is left to run_etc_add_user(). */
static bool make_file(int image_fd, int upper_fd, const char *name,
		      const char *line)
{
	struct buffer old CLEANUP(buffer_fini) = BUFFER_INIT(FILE_SIZE_MAX);
	struct buffer merged CLEANUP(buffer_fini) =
		BUFFER_INIT(FILE_SIZE_MAX + LINE_SIZE + 2);
	autoclose int from = openat(
		image_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	autoclose int to = -1;
	struct stat st;

	if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > FILE_SIZE_MAX || has_xattrs(from) ||
	    read_text(from, &old) < 0 ||
	    run_etc_merge((const char *)old.data, line, &merged) < 0)
		return false;
	to = openat(upper_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	if (to < 0)
		return false;
	if (fchmod(to, st.st_mode & 07777) == 0 &&
	    io_write_full(to, merged.data, merged.size) == 0)
		return true;
	(void)unlinkat(upper_fd, name, 0);
	return false;
}

static void keep_times(int image_fd, int upper_fd)
{
	struct stat st;

	if (fstat(image_fd, &st) == 0)
		(void)futimens(upper_fd, (const struct timespec[]){
						 st.st_atim, st.st_mtim });
}

unsigned run_etc_prepare(int image_fd, int upper_fd,
			 const struct run_user *user, const char *home)
{
	autoclose int from = -1;
	autoclose int to = -1;
	char line[LINE_SIZE];
	unsigned done = 0;

	if (!make_folder(image_fd, upper_fd, &from, &to))
		return 0;
	format_passwd(user, home, line);
	if (user->uid != 0 && make_file(from, to, "passwd", line))
		done |= RUN_ETC_PASSWD;
	format_group(user, line);
	if (user->gid != 0 && make_file(from, to, "group", line))
		done |= RUN_ETC_GROUP;
	keep_times(from, to);
	return done;
}

int run_etc_add_user(int root_fd, const struct run_user *user, const char *home,
		     unsigned done, struct error *err)
{
	char line[LINE_SIZE];
	int r = 0;

	if (user->uid != 0 && !(done & RUN_ETC_PASSWD)) {
		format_passwd(user, home, line);
		r = add_line(root_fd, "/etc/passwd", line, err);
	}
	if (r == 0 && user->gid != 0 && !(done & RUN_ETC_GROUP)) {
		format_group(user, line);
		r = add_line(root_fd, "/etc/group", line, err);
	}
	return r;
}
