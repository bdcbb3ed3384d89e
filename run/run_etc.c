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

int run_etc_add_user(int root_fd, const struct run_user *user, const char *home,
		     struct error *err)
{
	char line[LINE_SIZE];
	int r;

	if (!home || strpbrk(home, ":\n") || strlen(home) >= PATH_MAX)
		home = user->home;
	if (user->uid != 0) {
		snprintf(line, sizeof(line), "%s:x:%u:%u:%s:%s:%s", user->name,
			 user->uid, user->gid, user->gecos, home, user->shell);
		r = add_line(root_fd, "/etc/passwd", line, err);
		if (r < 0)
			return r;
	}
	if (user->gid == 0)
		return 0;
	snprintf(line, sizeof(line), "%s:x:%u:%s", user->group, user->gid,
		 user->name);
	return add_line(root_fd, "/etc/group", line, err);
}
