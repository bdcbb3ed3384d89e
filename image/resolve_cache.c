/* SPDX-License-Identifier: Apache-2.0 */
#include "image/resolve_cache.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	PATH_SIZE = sizeof("refs/") + DIGEST_HEX_SIZE,
	LINE_SIZE_MAX = DIGEST_TEXT_SIZE + 24 + RESOLVE_CACHE_KEY_SIZE,
};

static void format_path(const char *key, char ret[PATH_SIZE])
{
	char hex[DIGEST_HEX_SIZE];
	struct digest digest;

	digest_compute(key, strlen(key), &digest);
	digest_format_hex(&digest, hex);
	snprintf(ret, PATH_SIZE, "refs/%s", hex);
}

/* Takes @line apart; the key must be ours, the time not after now. */
static int parse_line(char *line, const char *key, uint64_t age_s_max,
		      struct digest *ret)
{
	char *time = strchr(line, ' ');
	char *text = time ? strchr(time + 1, ' ') : NULL;
	char *end = text ? strchr(text, '\n') : NULL;
	struct digest digest;
	int64_t age_s;

	if (!end || end[1])
		return RESOLVE_CACHE_MISS;
	*time++ = '\0';
	*text++ = '\0';
	*end = '\0';
	if (strcmp(text, key) != 0 || digest_parse(line, &digest, NULL) < 0 ||
	    strspn(time, "0123456789") != strlen(time) || strlen(time) > 18)
		return RESOLVE_CACHE_MISS;
	age_s = clock_wall_s() - strtoll(time, NULL, 10);
	if (age_s < 0 || (uint64_t)age_s >= age_s_max)
		return RESOLVE_CACHE_MISS;
	*ret = digest;
	return RESOLVE_CACHE_HIT;
}

int resolve_cache_load(int dir_fd, const char *key, uint64_t age_s_max,
		       struct digest *ret)
{
	struct buffer line CLEANUP(buffer_fini) = BUFFER_INIT(LINE_SIZE_MAX);
	char path[PATH_SIZE];

	format_path(key, path);
	if (io_read_file(dir_fd, path, &line, NULL) < 0 ||
	    buffer_terminate(&line) < 0)
		return RESOLVE_CACHE_MISS;
	if (strlen((char *)line.data) != line.size)
		return RESOLVE_CACHE_MISS;
	return parse_line((char *)line.data, key, age_s_max, ret);
}

int resolve_cache_store(int dir_fd, const char *key,
			const struct digest *digest, struct error *err)
{
	char digest_text[DIGEST_TEXT_SIZE];
	char line[LINE_SIZE_MAX];
	char path[PATH_SIZE];
	int size;

	if (strlen(key) >= RESOLVE_CACHE_KEY_SIZE)
		return error_set(err, -ENAMETOOLONG,
				 "a reference of %zu characters is too long to "
				 "remember",
				 strlen(key));
	digest_format(digest, digest_text);
	format_path(key, path);
	size = snprintf(line, sizeof(line), "%s %lld %s\n", digest_text,
			(long long)clock_wall_s(), key);
	if (mkdirat(dir_fd, "refs", 0700) < 0 && errno != EEXIST)
		return error_set_errno(err, -errno,
				       "cannot create refs/ in the cache");
	return io_write_file_atomic(dir_fd, path, line, (size_t)size, err);
}
