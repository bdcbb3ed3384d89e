/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_environment.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "common/log.h"
#include "common/shell_script.h"
#include "run/run.h"
#include "run/run_shell.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SCRIPT_SIZE_MAX = 1 << 20,
};

static const char folder[] = "/.singularity.d/env";
static const char base_script[] = "99-base.sh";
static const char library_dir[] = "/.singularity.d/libs";
static const char default_path[] =
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
static const char default_prompt[] = "Apptainer> ";

static const char *find(const struct variable_list *list, const char *name)
{
	return variable_list_find(list, name, strlen(name));
}

static int set(struct variable_list *list, const char *name, const char *value)
{
	return variable_list_set(list, name, strlen(name), value, true);
}

static int set_all(struct variable_list *list, const char *const *texts)
{
	int r = 0;

	for (; r == 0 && texts && *texts; texts++)
		r = variable_list_set_text(list, *texts);
	return r;
}

/* What is fixed is the host's to say; PATH is not. */
static int set_image(struct variable_list *list, const char *const *texts)
{
	int r = 0;

	for (; r == 0 && texts && *texts; texts++) {
		size_t len = strcspn(*texts, "=");
		bool is_path = len == 4 && memcmp(*texts, "PATH", 4) == 0;

		if (is_path || !variable_list_find(list, *texts, len))
			r = variable_list_set_text(list, *texts);
	}
	return r;
}

/* "first:second", either of which may be empty. */
static int join(struct variable_list *list, const char *name, const char *first,
		const char *second)
{
	autofree char *value = NULL;

	if (!*first || !*second)
		return set(list, name, *first ? first : second);
	if (asprintf(&value, "%s:%s", first, second) < 0)
		return -ENOMEM;
	return set(list, name, value);
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static int set_one_forced(struct variable_list *list, const char *name,
			  const char *value)
{
	const char *path = or_empty(find(list, "PATH"));

	if (strcmp(name, "PREPEND_PATH") == 0)
		return join(list, "PATH", value, path);
	if (strcmp(name, "APPEND_PATH") == 0)
		return join(list, "PATH", path, value);
	if (strcmp(name, "LD_LIBRARY_PATH") == 0)
		return join(list, name, value, library_dir);
	return set(list, name, value);
}

/* A value that is no shell's, or whose command cannot be run, is taken as it
 * is. */
static int set_forced(const struct run_environment *environment,
		      struct variable_list *list)
{
	const struct shell_expand expand = {
		.variables = list,
		.substitute = run_shell_substitute,
	};
	int r = 0;

	for (const char *const *text = environment->forced;
	     r == 0 && text && *text; text++) {
		struct buffer value CLEANUP(buffer_fini) =
			BUFFER_INIT(SHELL_EXPAND_SIZE_MAX);
		size_t len = strcspn(*text, "=");
		autofree char *name = strndup(*text, len);
		const char *exact = *text + len + ((*text)[len] == '=');
		bool is_exact = !environment->evaluates_forced;

		if (!name)
			return -ENOMEM;
		if (!is_exact)
			is_exact = shell_expand_quoted(&expand, exact, &value) <
					   0 ||
				   buffer_terminate(&value) < 0;
		r = set_one_forced(list, name,
				   is_exact ? exact : (const char *)value.data);
	}
	return r;
}

static int read_script(const char *path, struct buffer *text)
{
	autoclose int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	r = io_read_file(AT_FDCWD, path, text, NULL);
	return r < 0 ? r : buffer_terminate(text);
}

static int run_script(const char *path, struct variable_list *list,
		      struct error *err)
{
	const struct shell_expand expand = {
		.variables = list,
		.substitute = run_shell_substitute,
	};
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(SCRIPT_SIZE_MAX);
	struct error why = { 0 };
	int r = read_script(path, &text);

	if (r < 0)
		return error_set_errno(
			err, r, "the image's script %s cannot be read", path);
	r = shell_script_run((const char *)text.data, &expand, &why);
	if (r == 0)
		return 0;
	log_event(LOG_DEBUG, "run", "op=environment path=%s text=\"%s\"", path,
		  why.text);
	if (run_shell_exists())
		return run_shell_source(path, list, err);
	/* Nobody else will hear of it: there is no error to return. */
	log_event(LOG_WARN, "run",
		  "op=environment path=%s text=\"passed over: the image has no "
		  "/bin/sh, and this needs one: %s\"",
		  path, why.text);
	return 0;
}

static int is_script(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 3 && strcmp(entry->d_name + len - 3, ".sh") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int run_scripts(const struct run_environment *environment,
		       struct variable_list *list, bool *has_forced,
		       struct error *err)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_script, by_bytes);
	int r = 0;

	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", folder,
			 entries[i]->d_name);
		if (r == 0)
			r = run_script(path, list, err);
		if (r == 0 && strcmp(entries[i]->d_name, base_script) == 0) {
			r = set_forced(environment, list);
			*has_forced = true;
		}
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* Those the image defines stay; one that it defines as nothing is to go. */
static int set_caller(struct variable_list *list, const char *const *texts)
{
	int r = 0;

	for (; r == 0 && texts && *texts; texts++) {
		size_t len = strcspn(*texts, "=");
		const char *value = variable_list_find(list, *texts, len);

		if (!value)
			r = variable_list_set_text(list, *texts);
		else if (!*value)
			variable_list_unset(list, *texts, len);
	}
	return r;
}

static int set_prompt(struct variable_list *list)
{
	autofree char *command = NULL;
	const char *prompt = find(list, "PS1");
	int r = 0;

	if (!prompt || !*prompt) {
		r = set(list, "PS1", default_prompt);
		prompt = default_prompt;
	}
	if (r < 0 || find(list, "PROMPT_COMMAND"))
		return r;
	if (asprintf(&command, "PS1=\"%s\"; unset PROMPT_COMMAND", prompt) < 0)
		return -ENOMEM;
	return set(list, "PROMPT_COMMAND", command);
}

/* Whether @dir is one of the directories in @path. */
static bool has_dir(const char *path, const char *dir)
{
	while (*path) {
		size_t len = strcspn(path, ":");

		if (len == strlen(dir) && memcmp(path, dir, len) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

static int set_libraries(const struct run_environment *environment,
			 struct variable_list *list)
{
	static const char name[] = "LD_LIBRARY_PATH";
	const char *rest = or_empty(environment->library_last);
	int r = 0;

	if (environment->library_first)
		r = join(list, name, environment->library_first,
			 or_empty(find(list, name)));
	while (r == 0 && *rest) {
		size_t len = strcspn(rest, ":");
		autofree char *dir = strndup(rest, len);

		if (!dir)
			return -ENOMEM;
		if (!has_dir(or_empty(find(list, name)), dir))
			r = join(list, name, or_empty(find(list, name)), dir);
		rest += len + (rest[len] == ':');
	}
	return r;
}

static int fill(const struct run_environment *environment,
		struct variable_list *ret, struct error *err)
{
	bool has_forced = false;
	int r = variable_list_set_text(ret, default_path);

	if (r == 0)
		r = set_all(ret, environment->fixed);
	if (r == 0)
		r = set_image(ret, environment->image);
	if (r == 0)
		r = run_scripts(environment, ret, &has_forced, err);
	/* where an image has the base script, that has done it */
	if (r == 0 && !has_forced && environment->has_base_library)
		r = join(ret, "LD_LIBRARY_PATH",
			 or_empty(find(ret, "LD_LIBRARY_PATH")), library_dir);
	if (r == 0 && !has_forced)
		r = set_forced(environment, ret);
	if (r == 0)
		r = set_caller(ret, environment->caller);
	if (r == 0 && environment->has_prompt)
		r = set_prompt(ret);
	if (r == 0)
		r = set_all(ret, environment->late);
	return r < 0 ? r : set_libraries(environment, ret);
}

static int fill_list(const struct run_environment *environment,
		     struct variable_list *ret, struct error *err)
{
	struct error own = { 0 };
	int r = fill(environment, ret, &own);

	if (r == 0)
		return 0;
	if (own.code < 0)
		return error_set(err, r, "%s", own.text);
	return error_set_errno(err, r, "cannot build the environment");
}

/* Words as within a shell's double quotes; one that cannot be expanded stays as
 * it is. */
static int expand(struct variable_list *variables, const char *const *words,
		  char ***ret)
{
	const struct shell_expand rules = {
		.variables = variables,
		.substitute = run_shell_substitute,
	};
	size_t count = 0;
	char **expanded;

	while (words[count])
		count++;
	expanded = calloc(count + 1, sizeof(*expanded));
	if (!expanded)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct buffer value CLEANUP(buffer_fini) =
			BUFFER_INIT(SHELL_EXPAND_SIZE_MAX);
		bool is_exact =
			shell_expand_quoted(&rules, words[i], &value) < 0 ||
			buffer_terminate(&value) < 0;

		expanded[i] =
			strdup(is_exact ? words[i] : (const char *)value.data);
		if (!expanded[i]) {
			while (i > 0)
				free(expanded[--i]);
			free(expanded);
			return -ENOMEM;
		}
	}
	*ret = expanded;
	return 0;
}

int run_environment_make(struct run_job *job, struct run_environment_made *ret,
			 struct error *err)
{
	char cwd[PATH_MAX];
	int r;

	if (!job->environment)
		return 0;
	r = fill_list(job->environment, &ret->variables, err);
	if (r < 0)
		return r;
	if (getcwd(cwd, sizeof(cwd)))
		r = variable_list_set(&ret->variables, "PWD", 3, cwd, true);
	if (r == 0 && job->environment->evaluates_argv)
		r = expand(&ret->variables, job->argv, &ret->argv);
	if (r == 0)
		r = variable_list_to_environment(&ret->variables, &ret->envp);
	if (r < 0)
		return error_set_errno(err, r, "cannot build the environment");
	job->envp = ret->envp;
	if (ret->argv)
		job->argv = (const char *const *)ret->argv;
	return 0;
}
