/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/pelican_memory.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/io.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	PATH_SIZE = sizeof("osdf/") + DIGEST_HEX_SIZE,
	FILE_SIZE_MAX =
		PELICAN_MEMORY_TEXT_SIZE_MAX + PELICAN_MEMORY_KEY_SIZE + 32,
};

static void format_path(const char *key, char ret[PATH_SIZE])
{
	char hex[DIGEST_HEX_SIZE];
	struct digest digest;

	digest_compute(key, strlen(key), &digest);
	digest_format_hex(&digest, hex);
	snprintf(ret, PATH_SIZE, "osdf/%s", hex);
}

/* Takes the first line apart.  Return: the text behind it, or NULL. */
static const char *check_line(char *file, const char *key, int64_t age_s_max)
{
	char *name = strchr(file, ' ');
	char *end = name ? strchr(name, '\n') : NULL;
	int64_t age_s;

	if (!end)
		return NULL;
	*name++ = '\0';
	*end = '\0';
	if (strcmp(name, key) != 0 || strlen(file) > 18 ||
	    strspn(file, "0123456789") != strlen(file))
		return NULL;
	age_s = clock_wall_s() - strtoll(file, NULL, 10);
	return age_s >= 0 && age_s < age_s_max ? end + 1 : NULL;
}

int pelican_memory_load(int dir_fd, const char *key, int64_t age_s_max,
			char **ret)
{
	struct buffer file CLEANUP(buffer_fini) = BUFFER_INIT(FILE_SIZE_MAX);
	const char *text;
	char path[PATH_SIZE];
	char *copy;

	if (dir_fd < 0)
		return PELICAN_MEMORY_MISS;
	format_path(key, path);
	if (io_read_file(dir_fd, path, &file, NULL) < 0 ||
	    buffer_terminate(&file) < 0)
		return PELICAN_MEMORY_MISS;
	text = check_line((char *)file.data, key, age_s_max);
	copy = text ? strdup(text) : NULL;
	if (!copy)
		return PELICAN_MEMORY_MISS;
	*ret = copy;
	return PELICAN_MEMORY_HIT;
}

void pelican_memory_store(int dir_fd, const char *key, const char *text)
{
	autofree char *file = NULL;
	char path[PATH_SIZE];

	if (dir_fd < 0 || strlen(key) >= PELICAN_MEMORY_KEY_SIZE ||
	    strlen(text) > PELICAN_MEMORY_TEXT_SIZE_MAX || strchr(key, '\n'))
		return;
	if (asprintf(&file, "%lld %s\n%s", (long long)clock_wall_s(), key,
		     text) < 0) {
		file = NULL;
		return;
	}
	if (mkdirat(dir_fd, "osdf", 0700) < 0 && errno != EEXIST)
		return;
	format_path(key, path);
	(void)io_write_file_atomic(dir_fd, path, file, strlen(file), NULL);
}
