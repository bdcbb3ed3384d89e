/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/option.h"

#include "common/error.h"
#include "tools/size_text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void option_list_fini(struct option_list *list)
{
	free(list->values);
	*list = (struct option_list){ 0 };
}

static int list_append(struct option_list *list, const char *value)
{
	const char **values;

	if (list->count >= OPTION_LIST_MAX)
		return -EFBIG;
	values = realloc(list->values, (list->count + 1) * sizeof(*values));
	if (!values)
		return -ENOMEM;
	values[list->count++] = value;
	list->values = values;
	return 0;
}

static const struct option *find_long(const struct option *const *tables,
				      const char *name, size_t len)
{
	for (; *tables; tables++)
		for (const struct option *o = *tables; o->name; o++)
			if (strlen(o->name) == len &&
			    memcmp(o->name, name, len) == 0)
				return o;
	return NULL;
}

/* @next: the word behind it, NULL at the end */
static const struct option *find_short(const struct option *const *tables,
				       char name, const char *next)
{
	for (; *tables; tables++)
		for (const struct option *o = *tables; o->name; o++)
			if (o->short_name == name &&
			    (!o->is_form || (next && o->is_form(next))))
				return o;
	return NULL;
}

static int parse_flag(const char *text, const char *what, bool *ret,
		      struct error *err)
{
	static const char *const yes[] = { "1", "true", "yes", "on" };
	static const char *const no[] = { "", "0", "false", "no", "off" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (strcmp(text, yes[i]) == 0) {
			*ret = true;
			return 0;
		}
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (strcmp(text, no[i]) == 0) {
			*ret = false;
			return 0;
		}
	return error_set(err, -EINVAL, "%s: \"%.40s\" is not true or false",
			 what, text);
}

static int parse_number(const char *text, const char *what, uint64_t *ret,
			struct error *err)
{
	char *end = NULL;

	errno = 0;
	if (text[0] >= '0' && text[0] <= '9')
		*ret = strtoull(text, &end, 10);
	if (!end || *end || errno)
		return error_set(err, -EINVAL, "%s: \"%.40s\" is not a number",
				 what, text);
	return 0;
}

static int set_value(const struct option *option, const char *what,
		     void *values, const char *text, struct error *err)
{
	void *place = (char *)values + option->offset;
	int r;

	switch (option->kind) {
	case OPTION_FLAG:
		return parse_flag(text, what, place, err);
	case OPTION_TEXT:
		*(const char **)place = text;
		return 0;
	case OPTION_LIST:
		r = list_append(place, text);
		if (r < 0)
			return error_set(err, r, "%s: too many of them", what);
		return 0;
	case OPTION_SIZE:
		return size_text_parse(text, what, place, err);
	case OPTION_DURATION:
		return size_text_parse_duration(text, what, place, err);
	case OPTION_NUMBER:
		return parse_number(text, what, place, err);
	case OPTION_REFUSED:
		return error_set(err, -ENOTSUP, "%s is not supported: %s", what,
				 option->help);
	}
	assert(false); /* a table with an unknown kind */
	return -EINVAL;
}

/* "--name", "--name=value" or "--name value"; advances *next past a value */
static int parse_long(const struct option *const *tables, void *values,
		      const char *word, char ***next, struct error *err)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct option *option = find_long(tables, word + 2, len - 2);
	char what[64];

	snprintf(what, sizeof(what), "%.*s", (int)len, word);
	if (!option)
		return error_set(err, -ENOPROTOOPT, "unknown flag: %.60s",
				 what);
	if (equals)
		return set_value(option, what, values, equals + 1, err);
	if (option->kind == OPTION_FLAG || option->kind == OPTION_REFUSED)
		return set_value(option, what, values, "1", err);
	if (!**next)
		return error_set(err, -EINVAL, "%s needs a value (%s)", what,
				 option->argument);
	return set_value(option, what, values, *(*next)++, err);
}

/* "-a", "-ab", "-avalue" or "-a value" */
static int parse_short(const struct option *const *tables, void *values,
		       const char *word, char ***next, struct error *err)
{
	for (const char *c = word + 1; *c; c++) {
		const struct option *option =
			find_short(tables, *c, c[1] ? c + 1 : **next);
		char what[3] = { '-', *c, '\0' };
		int r;

		if (!option)
			return error_set(
				err, -ENOPROTOOPT,
				"unknown shorthand flag: '%c' in %.60s", *c,
				word);
		if (option->argument) {
			const char *text = c[1] ? c + 1 : **next;

			if (!text)
				return error_set(err, -EINVAL,
						 "%s needs a value (%s)", what,
						 option->argument);
			if (!c[1])
				(*next)++;
			return set_value(option, what, values, text, err);
		}
		r = set_value(option, what, values, "1", err);
		if (r < 0)
			return r;
	}
	return 0;
}

int option_parse(const struct option *const *tables, void *values,
		 bool stop_early, char **argv, int *ret_count,
		 struct error *err)
{
	char **next = argv;
	int count = 0;
	bool options_end = false;

	while (*next) {
		char *word = *next++;
		int r = 0;

		if (options_end || word[0] != '-' || word[1] == '\0') {
			argv[count++] = word;
			options_end |= stop_early;
		} else if (strcmp(word, "--") == 0) {
			options_end = true;
		} else if (word[1] == '-') {
			r = parse_long(tables, values, word, &next, err);
		} else {
			r = parse_short(tables, values, word, &next, err);
		}
		if (r < 0)
			return r;
	}
	argv[count] = NULL;
	*ret_count = count;
	return 0;
}

/* 1 with a word, 0 when it needs none, -ENOMEM */
static int format_value(const struct option *option, const void *values,
			char **ret)
{
	const void *place = (const char *)values + option->offset;
	const char *text;
	uint64_t number;
	int len = 0;

	switch (option->kind) {
	case OPTION_FLAG:
		if (*(const bool *)place)
			len = asprintf(ret, "--%s", option->name);
		break;
	case OPTION_TEXT:
		text = *(const char *const *)place;
		if (text)
			len = asprintf(ret, "--%s=%s", option->name, text);
		break;
	case OPTION_SIZE:
	case OPTION_DURATION:
	case OPTION_NUMBER:
		number = *(const uint64_t *)place;
		if (number != 0)
			len = asprintf(ret, "--%s=%llu%s", option->name,
				       (unsigned long long)number,
				       option->kind == OPTION_DURATION ? "ms"
								       : "");
		break;
	case OPTION_LIST:
		assert(false);
		break;
	case OPTION_REFUSED:
		break;
	}
	return len < 0 ? -ENOMEM : len > 0;
}

int option_format(const struct option *const *tables, const void *values,
		  char ***ret)
{
	size_t count = 0;
	size_t used = 0;
	char **words;

	for (size_t t = 0; tables[t]; t++)
		for (const struct option *o = tables[t]; o->name; o++)
			count++;
	words = calloc(count + 1, sizeof(*words));
	for (size_t t = 0; words && tables[t]; t++)
		for (const struct option *o = tables[t]; o->name; o++) {
			int r = format_value(o, values, &words[used]);

			if (r < 0) {
				words[used] = NULL;
				option_free_words(words);
				return r;
			}
			used += (size_t)r;
		}
	if (!words)
		return -ENOMEM;
	*ret = words;
	return 0;
}

void option_free_words(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

bool option_takes_next(const struct option *const *tables, const char *word)
{
	const struct option *option = NULL;

	if (word[0] != '-' || strchr(word, '='))
		return false;
	if (word[1] == '-')
		option = find_long(tables, word + 2, strlen(word + 2));
	/* In -ab, a takes the rest or is a flag. */
	for (const char *c = word + 1; word[1] != '-' && *c; c++) {
		option = find_short(tables, *c, NULL);
		if (option && option->argument && c[1])
			return false;
	}
	return option && option->argument;
}

int option_set(const struct option *const *tables, void *values,
	       const char *name, const char *text, struct error *err)
{
	const struct option *option = find_long(tables, name, strlen(name));

	if (!option)
		return error_set(err, -ENOENT, "unknown setting \"%.60s\"",
				 name);
	return set_value(option, name, values, text, err);
}

bool option_keeps_text(const struct option *const *tables, const char *name)
{
	const struct option *option = find_long(tables, name, strlen(name));

	return option &&
	       (option->kind == OPTION_TEXT || option->kind == OPTION_LIST);
}

/* Go's strconv.ParseBool(), which Apptainer reads its own with. */
static int set_twin(const struct option *option, const char *name, void *values,
		    const char *text, struct error *err)
{
	static const char *const yes[] = {
		"1", "t", "T", "true", "True", "TRUE"
	};
	static const char *const no[] = { "0",	   "f",	    "F",
					  "false", "False", "FALSE" };

	if (option->kind == OPTION_FLAG || option->kind == OPTION_REFUSED) {
		for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
			if (strcmp(text, no[i]) == 0)
				return 0;
		for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
			if (strcmp(text, yes[i]) == 0)
				text = "1";
	}
	return set_value(option, name, values, text, err);
}

/* Returns 1 when a twin was set, 0 when there is none. */
static int load_twins(const struct option *option, void *values,
		      struct error *err)
{
	static const char *const prefixes[] = { "APPTAINER", "SINGULARITY" };
	const char *names = option->twins;
	int found = 0;

	while (names && *names) {
		size_t len = strcspn(names, " ");

		for (size_t i = 0; i < 2; i++) {
			char name[64];
			const char *text;
			int r;

			snprintf(name, sizeof(name), "%s_%.*s", prefixes[i],
				 (int)len, names);
			text = getenv(name);
			if (!text || !*text)
				continue;
			r = set_twin(option, name, values, text, err);
			/* No usage error: nobody wrote it on this line. */
			if (r < 0)
				return r == -EINVAL ? -ENOTSUP : r;
			found = 1;
			break;
		}
		names += len + strspn(names + len, " ");
		if (found && option->kind != OPTION_LIST)
			break;
	}
	return found;
}

int option_load_environment(const struct option *const *tables, bool lists,
			    void *values, struct error *err)
{
	for (; *tables; tables++) {
		for (const struct option *o = *tables; o->name; o++) {
			const char *text =
				o->environment ? getenv(o->environment) : NULL;
			int r;

			if ((o->kind == OPTION_LIST) != lists)
				continue;
			r = load_twins(o, values, err);
			if (r >= 0 && text && *text)
				r = set_value(o, o->environment, values, text,
					      err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static void print_one(FILE *out, const struct option *option)
{
	char left[64];
	char letter[5] = "    ";

	if (option->short_name)
		snprintf(letter, sizeof(letter), "-%c, ", option->short_name);
	snprintf(left, sizeof(left), "%s--%s%s%s", letter, option->name,
		 option->argument ? " " : "",
		 option->argument ? option->argument : "");
	fprintf(out, "  %-28s %s\n", left, option->help);
}

void option_print(FILE *out, const struct option *const *tables)
{
	for (; *tables; tables++)
		for (const struct option *o = *tables; o->name; o++)
			if (o->kind != OPTION_REFUSED)
				print_one(out, o);
}
