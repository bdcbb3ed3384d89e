/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/bind_option.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "run/run.h"
#include "tools/option.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BINDS_MAX = 16384 };

/* Cut @*text at the next unescaped separator of @stops; unescape the part. */
static char *next_part(char **text, const char *stops, char *ret_stop)
{
	char *start = *text;
	char *to = start;
	char *from = start;

	while (*from && !strchr(stops, *from)) {
		if (*from == '\\' && (from[1] == ':' || from[1] == ','))
			from++;
		*to++ = *from++;
	}
	*ret_stop = *from;
	*text = *from ? from + 1 : from;
	*to = '\0';
	return start;
}

static char *absolute_path(const char *path)
{
	char *ret = NULL;
	autofree char *cwd = NULL;

	if (path[0] == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&ret, "%s/%s", cwd, path) < 0)
		return NULL;
	return ret;
}

static int parse_one(char **text, struct run_bind *ret, const char *value,
		     struct error *err)
{
	char stop;
	const char *source = next_part(text, ":,", &stop);
	const char *destination = source;
	const char *mode = "";

	if (stop == ':')
		destination = next_part(text, ":,", &stop);
	if (stop == ':')
		mode = next_part(text, ",", &stop);
	if (!*source || !*destination)
		return error_set(err, -EINVAL,
				 "--bind \"%.200s\": write SRC[:DST[:ro]]",
				 value);
	if (*mode && strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0)
		return error_set(err, -EINVAL,
				 "--bind \"%.200s\": \"%.40s\" is not an "
				 "option of a bind; ro and rw are",
				 value, mode);
	if (destination != source && destination[0] != '/')
		return error_set(err, -EINVAL,
				 "--bind \"%.200s\": the place inside must be "
				 "an absolute path",
				 value);
	ret->is_read_only = strcmp(mode, "ro") == 0;
	ret->source = absolute_path(source);
	ret->destination = destination == source ? absolute_path(source)
						 : strdup(destination);
	return ret->source && ret->destination ? 0 : -ENOMEM;
}

static int parse_value(const char *value, struct run_bind **binds,
		       size_t *count, struct error *err)
{
	autofree char *copy = strdup(value);
	char *text = copy;
	int r;

	if (!copy)
		return -ENOMEM;
	while (*text) {
		struct run_bind *grown;

		if (*count >= BINDS_MAX)
			return error_set(err, -EFBIG,
					 "more than %d binds were asked for",
					 BINDS_MAX);
		grown = realloc(*binds, (*count + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		*binds = grown;
		grown[*count] = (struct run_bind){ 0 };
		r = parse_one(&text, &grown[(*count)++], value, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int bind_option_parse(const struct option_list *list, struct run_bind **ret,
		      size_t *ret_count, struct error *err)
{
	struct run_bind *binds = NULL;
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		int r = parse_value(list->values[i], &binds, &count, err);

		if (r < 0) {
			bind_option_free(binds, count);
			return r == -ENOMEM ? error_set(err, r, "out of memory")
					    : r;
		}
	}
	*ret = binds;
	*ret_count = count;
	return 0;
}

void bind_option_free(struct run_bind *binds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free((char *)binds[i].source);
		free((char *)binds[i].destination);
	}
	free(binds);
}
