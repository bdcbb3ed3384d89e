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

/* One value of an option on its way into binds. */
struct parse {
	const char *option; /* "--bind" */
	const char *value;  /* whole, for errors */
	char *text;	    /* what is left of a copy */
	struct run_bind **binds;
	size_t *count;
};

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

char *bind_option_absolute(const char *path)
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

static int say(const struct parse *parse, const char *what, struct error *err)
{
	return error_set(err, -EINVAL, "%s \"%.200s\": %s", parse->option,
			 parse->value, what);
}

static int append(const struct parse *parse, const char *source,
		  const char *destination, bool is_read_only, struct error *err)
{
	struct run_bind *grown;
	struct run_bind *bind;

	if (*parse->count >= BINDS_MAX)
		return error_set(err, -EFBIG,
				 "more than %d binds were asked for",
				 BINDS_MAX);
	if (destination[0] != '/' && destination != source)
		return say(parse, "the place inside must be an absolute path",
			   err);
	grown = realloc(*parse->binds, (*parse->count + 1) * sizeof(*grown));
	if (!grown)
		return error_set(err, -ENOMEM, "out of memory");
	*parse->binds = grown;
	bind = &grown[(*parse->count)++];
	*bind = (struct run_bind){
		.source = bind_option_absolute(source),
		.destination = bind_option_absolute(destination),
		.is_read_only = is_read_only,
	};
	if (!bind->source || !bind->destination)
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

/* Returns false when @word is no option of a bind. */
static bool take_option(const char *word, bool *is_read_only)
{
	if (strcmp(word, "ro") == 0)
		*is_read_only = true;
	else if (strcmp(word, "rw") == 0)
		*is_read_only = false;
	else
		return false;
	return true;
}

static bool names_image(const char *word)
{
	return strncmp(word, "image-src=", 10) == 0 ||
	       strncmp(word, "id=", 3) == 0;
}

/* Whether the next word is an option of this bind, not the next one. */
static bool is_option_next(const char *text)
{
	size_t len = strcspn(text, ",:");

	return text[len] != ':' && len == 2 &&
	       (memcmp(text, "ro", 2) == 0 || memcmp(text, "rw", 2) == 0);
}

static int parse_bind(struct parse *parse, struct error *err)
{
	char stop;
	const char *source = next_part(&parse->text, ":,", &stop);
	const char *destination = source;
	bool is_read_only = false;

	if (stop == ':')
		destination = next_part(&parse->text, ":,", &stop);
	if (!*source || !*destination)
		return say(parse, "write SRC[:DST[:ro]]", err);
	if (stop == ':') {
		const char *word = next_part(&parse->text, ",", &stop);

		if (names_image(word))
			return say(parse,
				   "nothing can be bound out of an image: "
				   "mount the image (lazyrun mount) and bind "
				   "from there",
				   err);
		if (*word && !take_option(word, &is_read_only))
			return say(parse,
				   "what follows the second colon is not an "
				   "option of a bind; ro and rw are",
				   err);
		while (stop == ',' && is_option_next(parse->text))
			take_option(next_part(&parse->text, ",", &stop),
				    &is_read_only);
	}
	return append(parse, source, destination, is_read_only, err);
}

static int parse_binds(struct parse *parse, struct error *err)
{
	int r = 0;

	while (r == 0 && *parse->text)
		r = parse_bind(parse, err);
	return r;
}

/* The next field of comma-separated values; quotes are doubled in quotes. */
static char *next_field(char **text)
{
	char *from = *text;
	char *to = from;
	char *start = from;
	bool is_quoted = *from == '"';

	from += is_quoted;
	while (*from && (is_quoted || *from != ',')) {
		if (is_quoted && *from == '"' && *++from != '"') {
			is_quoted = false;
			continue;
		}
		*to++ = *from++;
	}
	*text = *from ? from + 1 : from;
	*to = '\0';
	return start;
}

static bool is_one_of(const char *word, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(word, *names) == 0)
			return true;
	return false;
}

static int parse_mount(struct parse *parse, struct error *err)
{
	static const char *const sources[] = { "source", "src", NULL };
	static const char *const targets[] = { "destination", "dst", "target",
					       NULL };
	static const char *const flags[] = { "ro", "readonly", NULL };
	const char *source = NULL;
	const char *destination = NULL;
	const char *type = NULL;
	bool is_read_only = false;

	while (*parse->text) {
		char *name = next_field(&parse->text);
		char *value = strchr(name, '=');

		if (value)
			*value++ = '\0';
		if (value && strcmp(name, "type") == 0)
			type = value;
		else if (value && is_one_of(name, sources))
			source = value;
		else if (value && is_one_of(name, targets))
			destination = value;
		else if (is_one_of(name, flags))
			is_read_only = !value || (strcmp(value, "false") != 0 &&
						  strcmp(value, "0") != 0);
		else
			return say(parse,
				   "write type=bind,source=SRC,destination=DST"
				   "[,ro]; there are no other fields",
				   err);
	}
	if (type && strcmp(type, "bind") != 0)
		return say(parse, "only type=bind is supported", err);
	if (!source || !*source || !destination || !*destination)
		return say(parse, "source and destination are needed", err);
	return append(parse, source, destination, is_read_only, err);
}

static int parse_all(const char *option, const struct option_list *list,
		     int (*parse_value)(struct parse *parse, struct error *err),
		     struct run_bind **binds, size_t *count, struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		autofree char *copy = strdup(list->values[i]);
		struct parse parse = {
			.option = option,
			.value = list->values[i],
			.text = copy,
			.binds = binds,
			.count = count,
		};
		int r;

		if (!copy)
			return error_set(err, -ENOMEM, "out of memory");
		r = parse_value(&parse, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int bind_option_parse(const struct option_list *list, struct run_bind **binds,
		      size_t *count, struct error *err)
{
	return parse_all("--bind", list, parse_binds, binds, count, err);
}

int bind_option_parse_mounts(const struct option_list *list,
			     struct run_bind **binds, size_t *count,
			     struct error *err)
{
	return parse_all("--mount", list, parse_mount, binds, count, err);
}

void bind_option_free(struct run_bind *binds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free((char *)binds[i].source);
		free((char *)binds[i].destination);
	}
	free(binds);
}
