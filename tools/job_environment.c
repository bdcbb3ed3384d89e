/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_environment.h"

#include "common/buffer.h"
#include "common/error.h"
#include "common/io.h"
#include "common/shell_script.h"
#include "run/run_shell.h"
#include "tools/option.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_SIZE_MAX = 1 << 20,
};

/* Say where the host keeps things; meaningless or harmful inside. */
static const char *const host_only[] = {
	"PATH",	    "HOME",	  "LD_LIBRARY_PATH", "LD_PRELOAD",
	"LD_AUDIT", "PYTHONHOME", "LAZYRUN_IMAGE",   "PWD",
};

static const char *const kept_when_clean[] = {
	"TERM",	     "http_proxy", "https_proxy", "no_proxy",
	"all_proxy", "ftp_proxy",  "HTTP_PROXY",  "HTTPS_PROXY",
	"NO_PROXY",  "ALL_PROXY",  "FTP_PROXY",
};

/* Of Apptainer itself, and what is on its way into the job. */
static const char *const prefixes[] = {
	"SINGULARITYENV_",
	"APPTAINERENV_",
	"SINGULARITY_",
	"APPTAINER_",
};

static bool is_named(const char *variable, const char *name)
{
	size_t len = strlen(name);

	return strncmp(variable, name, len) == 0 && variable[len] == '=';
}

static bool is_among(const char *variable, const char *const *names,
		     size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_named(variable, names[i]))
			return true;
	return false;
}

static bool has_prefix(const char *variable)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static int put(struct variable_list *list, const char *name, const char *value)
{
	return variable_list_set(list, name, strlen(name), value, true);
}

static int put_caller(const struct job_environment_options *options,
		      struct variable_list *list)
{
	for (const char *const *v = options->caller; *v; v++) {
		size_t len = shell_expand_name_len(*v);
		int r;

		if (len == 0 || (*v)[len] != '=' || has_prefix(*v) ||
		    is_among(*v, host_only,
			     sizeof(host_only) / sizeof(*host_only)))
			continue;
		if (options->is_clean &&
		    !is_among(*v, kept_when_clean,
			      sizeof(kept_when_clean) /
				      sizeof(*kept_when_clean)))
			continue;
		r = variable_list_set_text(list, *v);
		if (r < 0)
			return r;
	}
	return options->is_clean ? put(list, "LANG", "C") : 0;
}

/* NAME=VALUE, or NAME for the caller's value. */
static int put_forced(const struct job_environment_options *options,
		      const char *text, struct variable_list *list,
		      struct error *err)
{
	size_t len = strcspn(text, "=");
	const char *value;

	if (len == 0)
		return error_set(err, -EINVAL, "--env \"%.60s\" has no name",
				 text);
	/* The home is --home's to say. */
	if (options->is_apptainer && is_named(text, "HOME"))
		return 0;
	if (text[len] == '=')
		return variable_list_set_text(list, text);
	value = getenv(text);
	return value ? put(list, text, value) : 0;
}

/* The caller's NAME=value behind PREFIX. */
static int put_prefixed(const struct job_environment_options *options,
			const char *prefix, struct variable_list *list,
			struct error *err)
{
	size_t len = strlen(prefix);
	int r = 0;

	for (const char *const *v = options->caller; r == 0 && *v; v++)
		if (strncmp(*v, prefix, len) == 0 && (*v)[len] &&
		    (*v)[len] != '=')
			r = put_forced(options, *v + len, list, err);
	return r;
}

/* A comma divides only where a name and '=' follow. */
static size_t next_comma(const char *text)
{
	for (const char *c = text; *c; c++) {
		size_t len = *c == ',' ? shell_expand_name_len(c + 1) : 0;

		if (len > 0 && c[1 + len] == '=')
			return (size_t)(c - text);
	}
	return strlen(text);
}

static int put_extra(const struct job_environment_options *options,
		     const char *text, struct variable_list *list,
		     struct error *err)
{
	int r = 0;

	while (r == 0) {
		size_t len = next_comma(text);
		autofree char *one = strndup(text, len);

		if (!one)
			return -ENOMEM;
		r = put_forced(options, one, list, err);
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	return r;
}

/* What the file sets, as a shell would that had the caller's variables. */
static int put_file(const struct job_environment_options *options,
		    const char *path, struct variable_list *list,
		    struct error *err)
{
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(FILE_SIZE_MAX);
	struct variable_list variables = { 0 };
	const struct shell_expand expand = {
		.variables = &variables,
		.substitute = run_shell_substitute,
	};
	int r = io_read_file(AT_FDCWD, path, &text, NULL);

	if (r == 0)
		r = buffer_terminate(&text);
	if (r < 0)
		return error_set_errno(err, r, "--env-file %s", path);
	for (const char *const *v = options->caller; r == 0 && *v; v++)
		r = variable_list_set_text(&variables, *v);
	variable_list_mark(&variables);
	if (r == 0)
		r = shell_script_run((const char *)text.data, &expand, err);
	if (r < 0 && err && err->code < 0)
		error_prefix(err, -EINVAL, "--env-file %s", path);
	for (size_t i = 0; r == 0 && i < variables.count; i++)
		if (variables.variables[i].is_new)
			r = put_forced(options, variables.variables[i].text,
				       list, err);
	variable_list_fini(&variables);
	return r == -ENOTSUP ? -EINVAL : r;
}

static int put_files(const struct job_environment_options *options,
		     struct variable_list *list, struct error *err)
{
	for (size_t i = 0; options->files && i < options->files->count; i++) {
		autofree char *copy = strdup(options->files->values[i]);
		char *rest = copy;
		char *path;

		if (!copy)
			return -ENOMEM;
		while ((path = strsep(&rest, ","))) {
			int r = *path ? put_file(options, path, list, err) : 0;

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int put_all_forced(const struct job_environment_options *options,
			  struct variable_list *list, struct error *err)
{
	int r = put_prefixed(options, "SINGULARITYENV_", list, err);

	if (r == 0)
		r = put_prefixed(options, "APPTAINERENV_", list, err);
	if (r == 0)
		r = put_files(options, list, err);
	for (size_t i = 0; r == 0 && i < options->extra->count; i++)
		r = put_extra(options, options->extra->values[i], list, err);
	for (size_t i = 0;
	     r == 0 && options->exact && i < options->exact->count; i++)
		r = put_forced(options, options->exact->values[i], list, err);
	return r;
}

/* Under both of the names that Apptainer has had. */
static int put_both(struct variable_list *list, const char *name,
		    const char *value)
{
	char full[64];
	int r;

	snprintf(full, sizeof(full), "APPTAINER_%s", name);
	r = put(list, full, value);
	snprintf(full, sizeof(full), "SINGULARITY_%s", name);
	return r < 0 ? r : put(list, full, value);
}

/* Where the binds are, for a nested one to bind them again. */
static int put_binds(const struct job_environment_options *options,
		     struct variable_list *list)
{
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(4 << 20);
	int r = 0;

	for (size_t i = 0; r == 0 && i < options->bind_count; i++) {
		const char *destination = options->binds[i].destination;

		if (i > 0)
			r = buffer_append(&text, ",", 1);
		if (r == 0)
			r = buffer_append(&text, destination,
					  strlen(destination));
	}
	if (r == 0)
		r = buffer_terminate(&text);
	return r < 0 ? r : put_both(list, "BIND", (const char *)text.data);
}

static int put_fixed(const struct job_environment_options *options,
		     struct variable_list *list)
{
	const char *container = options->image_path ? options->image_path
						    : options->image_reference;
	const char *slash = strrchr(container, '/');
	int r = options->home ? put(list, "HOME", options->home) : 0;

	if (r == 0)
		r = put(list, "LAZYRUN_IMAGE", options->image_reference);
	if (r == 0)
		r = put_both(list, "CONTAINER", container);
	if (r == 0)
		r = put_both(list, "NAME", slash ? slash + 1 : container);
	if (r == 0)
		r = put_both(list, "ENVIRONMENT",
			     "/.singularity.d/env/91-environment.sh");
	if (r == 0)
		r = put_binds(options, list);
	if (r == 0)
		r = put(list, "APPTAINER_COMMAND", options->command);
	if (r == 0)
		r = put(list, "APPTAINER_APPNAME",
			options->app ? options->app : "");
	if (r == 0 && options->app)
		r = put(list, "SINGULARITY_APPNAME", options->app);
	if (r == 0 && options->says_no_eval)
		r = put_both(list, "NO_EVAL", "1");
	return r;
}

static int fill(const struct job_environment_options *options,
		struct job_environment *ret, struct error *err)
{
	int r = put_fixed(options, &ret->fixed);

	if (r == 0)
		r = put_all_forced(options, &ret->forced, err);
	if (r == 0)
		r = put_caller(options, &ret->caller);
	if (r == 0)
		r = variable_list_to_environment(&ret->fixed,
						 &ret->fixed_texts);
	if (r == 0)
		r = variable_list_to_environment(&ret->forced,
						 &ret->forced_texts);
	if (r == 0)
		r = variable_list_to_environment(&ret->caller,
						 &ret->caller_texts);
	return r;
}

int job_environment_fill(const struct job_environment_options *options,
			 struct job_environment *ret, struct error *err)
{
	int r = fill(options, ret, err);

	if (r == -ENOMEM || r == -EFBIG)
		return error_set(err, r, "cannot build the environment: %s",
				 r == -EFBIG ? "it is too large"
					     : "out of memory");
	if (r < 0)
		return r;
	ret->run = (struct run_environment){
		.fixed = ret->fixed_texts,
		.image = options->image,
		.forced = ret->forced_texts,
		.caller = ret->caller_texts,
		.evaluates_forced = options->evaluates,
		.has_base_library = options->image && options->is_apptainer,
		.has_prompt = options->has_prompt,
	};
	return 0;
}

void job_environment_fini(struct job_environment *environment)
{
	variable_list_fini(&environment->fixed);
	variable_list_fini(&environment->forced);
	variable_list_fini(&environment->caller);
	free(environment->fixed_texts);
	free(environment->forced_texts);
	free(environment->caller_texts);
}
