/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_upper.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "run/run_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Names and links on one way. */
enum { STEPS_MAX = 256 };

struct way {
	char real[PATH_MAX]; /* so far, without links and ".."; "" the root */
	char rest[PATH_MAX]; /* not gone yet */
};

static void take_last_off(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/* Puts a link's target in front of the rest; false: too long. */
static bool follow(struct way *way, int fd)
{
	char target[PATH_MAX];
	char longer[PATH_MAX * 2];
	ssize_t n = readlinkat(fd, "", target, sizeof(target));

	if (n <= 0 || n >= (ssize_t)sizeof(target))
		return false;
	target[n] = '\0';
	if (snprintf(longer, sizeof(longer), "%s/%s", target, way->rest) >=
	    (int)sizeof(way->rest))
		return false;
	memcpy(way->rest, longer, strlen(longer) + 1);
	if (target[0] == '/')
		way->real[0] = '\0';
	return true;
}

/* Takes the next name off the rest; false at its end. */
static bool take_name(struct way *way, char name[NAME_MAX + 1])
{
	const char *start = way->rest + strspn(way->rest, "/");
	size_t len = strcspn(start, "/");

	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name, start, len);
	name[len] = '\0';
	memmove(way->rest, start + len, strlen(start + len) + 1);
	return true;
}

static int make_folder(int upper_fd, const char *path, mode_t mode)
{
	if (mkdirat(upper_fd, path, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	return fchmodat(upper_fd, path, mode & 07777, 0) < 0 ? -errno : 0;
}

enum { WAY_GOES_ON = 0, WAY_ENDS = 1 };

static int take_step(int image_fd, int upper_fd, struct way *way)
{
	autoclose int fd = -1;
	char name[NAME_MAX + 1];
	size_t len = strlen(way->real);
	struct stat st;
	int r;

	if (!take_name(way, name))
		return WAY_ENDS;
	if (strcmp(name, ".") == 0)
		return WAY_GOES_ON;
	if (strcmp(name, "..") == 0) {
		take_last_off(way->real);
		return WAY_GOES_ON;
	}
	if (snprintf(way->real + len, sizeof(way->real) - len, "/%s", name) >=
	    (int)(sizeof(way->real) - len))
		return WAY_ENDS;
	fd = run_path_open(image_fd, way->real, O_PATH | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return WAY_ENDS;
	if (S_ISLNK(st.st_mode)) {
		way->real[len] = '\0';
		return follow(way, fd) ? WAY_GOES_ON : WAY_ENDS;
	}
	if (!S_ISDIR(st.st_mode))
		return WAY_ENDS;
	r = make_folder(upper_fd, way->real + 1, st.st_mode);
	return r < 0 ? r : WAY_GOES_ON;
}

int run_upper_prepare(int image_fd, int upper_fd, const char *path,
		      struct error *err)
{
	struct way way = { .real = "" };
	int r = WAY_GOES_ON;

	if (strlen(path) >= sizeof(way.rest))
		return 0; /* run_path_make() says so */
	memcpy(way.rest, path, strlen(path) + 1);
	for (int i = 0; r == WAY_GOES_ON && i < STEPS_MAX; i++)
		r = take_step(image_fd, upper_fd, &way);
	if (r < 0)
		return error_set_errno(
			err, r, "cannot prepare the way to %s in memory", path);
	return 0;
}
