/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/index_store.h"

#include "common/cleanup.h"
#include "common/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "index"
#define SUFFIX ".lzi"

enum { NAME_SIZE = sizeof(FOLDER "/") + DIGEST_HEX_SIZE + sizeof(SUFFIX) };

static void format_name(const struct digest *manifest, char ret[NAME_SIZE])
{
	char hex[DIGEST_HEX_SIZE];

	digest_format_hex(manifest, hex);
	snprintf(ret, NAME_SIZE, FOLDER "/%s" SUFFIX, hex);
}

int index_store_open(int cache_dir_fd, const struct digest *manifest,
		     struct error *err)
{
	char name[NAME_SIZE];
	int fd;

	format_name(manifest, name);
	fd = openat(cache_dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_set_errno(err, -errno,
				       "cannot open %s in the cache", name);
	futimens(fd, NULL); /* only for `cache gc`; a failure is harmless */
	return fd;
}

int index_store_create(int cache_dir_fd, struct error *err)
{
	int fd;

	if (mkdirat(cache_dir_fd, FOLDER, 0700) < 0 && errno != EEXIST)
		return error_set_errno(err, -errno,
				       "cannot make " FOLDER "/ in the cache");
	fd = openat(cache_dir_fd, FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_errno(err, -errno,
				       "cannot create an index in the cache");
	return fd;
}

int index_store_publish(int cache_dir_fd, int fd, const struct digest *manifest,
			struct error *err)
{
	char name[NAME_SIZE];
	char temporary[NAME_SIZE + 32];
	char self[32];

	format_name(manifest, name);
	snprintf(temporary, sizeof(temporary), FOLDER "/.tmp-%d-%d",
		 (int)getpid(), fd);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, cache_dir_fd, temporary, AT_SYMLINK_FOLLOW) <
	    0)
		return error_set_errno(err, -errno, "cannot keep the index");
	if (renameat(cache_dir_fd, temporary, cache_dir_fd, name) < 0) {
		int r = -errno;

		unlinkat(cache_dir_fd, temporary, 0);
		return error_set_errno(err, r, "cannot keep the index");
	}
	return 0;
}

int index_store_remove(int cache_dir_fd, const struct digest *manifest)
{
	char name[NAME_SIZE];

	format_name(manifest, name);
	return unlinkat(cache_dir_fd, name, 0) < 0 ? -errno : 0;
}

static int visit(int folder_fd, const char *name, index_store_walk_fn *fn,
		 void *arg, struct error *err)
{
	char text[DIGEST_TEXT_SIZE];
	struct digest manifest;
	autoclose int fd = -1;

	if (strlen(name) != DIGEST_HEX_SIZE - 1 + strlen(SUFFIX) ||
	    strcmp(name + DIGEST_HEX_SIZE - 1, SUFFIX) != 0)
		return 0;
	snprintf(text, sizeof(text), "sha256:%.64s", name);
	if (digest_parse(text, &manifest, NULL) < 0)
		return 0;
	fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? 0 : fn(arg, fd, &manifest, err);
}

int index_store_walk(int cache_dir_fd, index_store_walk_fn *fn, void *arg,
		     struct error *err)
{
	int folder_fd = openat(cache_dir_fd, FOLDER,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	DIR *folder;
	int r = 0;

	if (folder_fd < 0)
		return errno == ENOENT ? 0
				       : error_set_errno(err, -errno,
							 "cannot open " FOLDER
							 "/ in the cache");
	folder = fdopendir(folder_fd);
	if (!folder) {
		close(folder_fd);
		return error_set(err, -ENOMEM, "out of memory");
	}
	while (r == 0 && (entry = readdir(folder)))
		r = visit(folder_fd, entry->d_name, fn, arg, err);
	closedir(folder);
	return r;
}
