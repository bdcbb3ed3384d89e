/* SPDX-License-Identifier: Apache-2.0 */
#include "index/hint_library.h"

#include "index/index_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	FOLDER_COUNT_MAX = 64,
	PATH_SIZE = 1024,
};

struct hint_libraries {
	const struct index_file *index;
	uint32_t folders[FOLDER_COUNT_MAX]; /* inodes, in the order of search */
	size_t folder_count;
	uint32_t usual[FOLDER_COUNT_MAX]; /* searched behind them */
	size_t usual_count;
};

/* Where the loaders of Debian, Fedora, Alpine, musl and NixOS-like images look
 * when nothing else was said; those that an image has. */
static const char *const usual_folders[] = {
	"/lib/x86_64-linux-gnu",
	"/usr/lib/x86_64-linux-gnu",
	"/lib/aarch64-linux-gnu",
	"/usr/lib/aarch64-linux-gnu",
	"/lib64",
	"/usr/lib64",
	"/lib",
	"/usr/lib",
	"/usr/local/lib",
};

static void add_folder(const struct index_file *index, const char *path,
		       uint32_t *folders, size_t *count)
{
	struct index_inode inode;
	uint32_t number;

	if (*count == FOLDER_COUNT_MAX ||
	    index_file_resolve(index, path, true, &number) < 0 ||
	    index_file_get_inode(index, number, &inode) < 0 ||
	    !S_ISDIR(inode.mode))
		return;
	for (size_t i = 0; i < *count; i++)
		if (folders[i] == number)
			return;
	folders[(*count)++] = number;
}

int hint_libraries_create(const struct index_file *index,
			  struct hint_libraries **ret)
{
	struct hint_libraries *libraries = calloc(1, sizeof(*libraries));

	if (!libraries)
		return -ENOMEM;
	libraries->index = index;
	for (size_t i = 0; i < sizeof(usual_folders) / sizeof(*usual_folders);
	     i++)
		add_folder(index, usual_folders[i], libraries->usual,
			   &libraries->usual_count);
	*ret = libraries;
	return 0;
}

void hint_libraries_destroy(struct hint_libraries *libraries)
{
	free(libraries);
}

void hint_libraries_add_conf(struct hint_libraries *libraries, const char *text,
			     size_t size)
{
	const char *end = text + size;

	while (text < end) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));
		char path[PATH_SIZE];
		size_t n;

		if (!line_end)
			line_end = end;
		n = (size_t)(line_end - text);
		while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
			n--;
		if (n && n < sizeof(path) && text[0] == '/' &&
		    !memchr(text, 0, n)) {
			memcpy(path, text, n);
			path[n] = '\0';
			add_folder(libraries->index, path, libraries->folders,
				   &libraries->folder_count);
		}
		text = line_end + 1;
	}
}

/* One of a list of folders with the name behind it, "$ORIGIN" taken off: the
 * rest is relative to the origin then.  False when it does not fit. */
static bool make_path(const char *folder, size_t folder_size, const char *name,
		      char path[PATH_SIZE])
{
	static const char *const origins[] = { "$ORIGIN", "${ORIGIN}" };
	const char *prefix = "";

	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(origins[i]);

		if (folder_size < len || memcmp(folder, origins[i], len) != 0)
			continue;
		folder += len;
		folder_size -= len;
		prefix = ".";
		break;
	}
	if (memchr(folder, '$', folder_size) || memchr(folder, 0, folder_size))
		return false; /* "$LIB" and "$PLATFORM" are hardly used */
	return (size_t)snprintf(path, PATH_SIZE, "%s%.*s/%s", prefix,
				(int)folder_size, folder, name) < PATH_SIZE;
}

uint32_t hint_libraries_find(const struct hint_libraries *libraries,
			     uint32_t origin, const char *paths,
			     size_t paths_size, const char *name,
			     size_t name_size)
{
	const struct index_file *index = libraries->index;
	const char *end = paths ? paths + paths_size : NULL;
	char path[PATH_SIZE];
	char text[256];
	uint32_t found = 0;

	if (name_size == 0 || name_size >= sizeof(text) ||
	    memchr(name, 0, name_size))
		return 0;
	memcpy(text, name, name_size);
	text[name_size] = '\0';
	if (strchr(text, '/'))
		return index_file_find_at(index, origin, text, S_IFREG);
	while (paths < end && !found) {
		const char *stop = memchr(paths, ':', (size_t)(end - paths));

		if (!stop)
			stop = end;
		if (stop > paths &&
		    make_path(paths, (size_t)(stop - paths), text, path))
			found = index_file_find_at(index, origin, path,
						   S_IFREG);
		paths = stop + 1;
	}
	for (size_t i = 0; i < libraries->folder_count && !found; i++)
		found = index_file_find_at(index, libraries->folders[i], text,
					   S_IFREG);
	for (size_t i = 0; i < libraries->usual_count && !found; i++)
		found = index_file_find_at(index, libraries->usual[i], text,
					   S_IFREG);
	return found;
}
