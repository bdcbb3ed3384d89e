/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_environment.h"

#include "common/error.h"
#include "tools/option.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PATH                                                           \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { VARIABLES_MAX = 65536 };

struct list {
	char **variables; /* NULL-ended */
	size_t count;
	size_t capacity;
};

/* Say where the host keeps things; meaningless or harmful inside. */
static const char *const host_only[] = {
	"PATH",		 "HOME",       "LD_LIBRARY_PATH",    "LD_PRELOAD",
	"LD_AUDIT",	 "PYTHONHOME", "SHELL_SESSION_FILE", "OLDPWD",
	"LAZYRUN_IMAGE",
};

static const char *const kept_when_clean[] = {
	"TERM",	       "LANG",	   "LC_ALL",	"TZ",	     "http_proxy",
	"https_proxy", "no_proxy", "all_proxy", "ftp_proxy", "HTTP_PROXY",
	"HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "FTP_PROXY",
};

static size_t name_len(const char *variable)
{
	return strcspn(variable, "=");
}

static bool is_named(const char *variable, const char *name)
{
	return name_len(variable) == strlen(name) &&
	       memcmp(variable, name, strlen(name)) == 0;
}

static bool is_among(const char *variable, const char *const *names,
		     size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_named(variable, names[i]))
			return true;
	return false;
}

static int append(struct list *list, char *variable)
{
	char **variables;
	size_t capacity;

	if (list->count + 1 >= list->capacity) {
		capacity = list->capacity ? 2 * list->capacity : 64;
		if (capacity > VARIABLES_MAX)
			return -EFBIG;
		variables =
			realloc(list->variables, capacity * sizeof(*variables));
		if (!variables)
			return -ENOMEM;
		list->variables = variables;
		list->capacity = capacity;
	}
	list->variables[list->count++] = variable;
	list->variables[list->count] = NULL;
	return 0;
}

/* Put "NAME=value", replacing an earlier NAME. */
static int put(struct list *list, const char *variable)
{
	size_t len = name_len(variable);
	char *copy = strdup(variable);
	int r;

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		if (strncmp(list->variables[i], variable, len) == 0 &&
		    list->variables[i][len] == '=') {
			free(list->variables[i]);
			list->variables[i] = copy;
			return 0;
		}
	}
	r = append(list, copy);
	if (r < 0)
		free(copy);
	return r;
}

static int put_pair(struct list *list, const char *name, const char *value)
{
	char *variable = NULL;
	int r;

	if (asprintf(&variable, "%s=%s", name, value) < 0)
		return -ENOMEM;
	r = put(list, variable);
	free(variable);
	return r;
}

static int put_caller(struct list *list,
		      const struct job_environment_options *options)
{
	const char *const *names = host_only;
	size_t count = sizeof(host_only) / sizeof(*host_only);

	if (options->is_clean) {
		names = kept_when_clean;
		count = sizeof(kept_when_clean) / sizeof(*kept_when_clean);
	}
	for (const char *const *v = options->caller; *v; v++) {
		int r = 0;

		if (strchr(*v, '=') &&
		    is_among(*v, names, count) == options->is_clean)
			r = put(list, *v);
		if (r < 0)
			return r;
	}
	return 0;
}

static int put_extra(struct list *list, const struct option_list *extra,
		     struct error *err)
{
	for (size_t i = 0; i < extra->count; i++) {
		const char *variable = extra->values[i];
		const char *value;
		int r = 0;

		if (name_len(variable) == 0)
			return error_set(err, -EINVAL,
					 "--env \"%.60s\" has no name",
					 variable);
		if (strchr(variable, '='))
			r = put(list, variable);
		else if ((value = getenv(variable)))
			r = put_pair(list, variable, value);
		if (r < 0)
			return r;
	}
	return 0;
}

static int fill(struct list *list,
		const struct job_environment_options *options,
		struct error *err)
{
	int r = put(list, DEFAULT_PATH);

	if (r == 0)
		r = put_caller(list, options);
	for (const char *const *v = options->image; r == 0 && *v; v++)
		if (strchr(*v, '=') && name_len(*v) > 0)
			r = put(list, *v);
	if (r == 0 && options->home)
		r = put_pair(list, "HOME", options->home);
	if (r == 0)
		r = put_pair(list, "LAZYRUN_IMAGE", options->image_reference);
	if (r == 0)
		r = put_extra(list, options->extra, err);
	return r;
}

int job_environment_create(const struct job_environment_options *options,
			   char ***ret, struct error *err)
{
	struct list list = { 0 };
	int r = fill(&list, options, err);

	if (r < 0) {
		job_environment_destroy(list.variables);
		if (r == -EINVAL)
			return r;
		return error_set(err, r, "cannot build the environment: %s",
				 r == -EFBIG ? "too many variables"
					     : "out of memory");
	}
	*ret = list.variables;
	return 0;
}

void job_environment_destroy(char **environment)
{
	for (char **v = environment; v && *v; v++)
		free(*v);
	free(environment);
}
