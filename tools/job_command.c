/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_command.h"

#include "common/error.h"
#include "image/image_config.h"
#include "tools/job_image.h"
#include "tools/job_options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count_words(char *const *words)
{
	size_t count = 0;

	while (words && words[count])
		count++;
	return count;
}

/* first, then head's words, then tail's; each may be NULL or empty */
static int join_words(const char *first, char *const *head, char *const *tail,
		      const char ***ret_argv, struct error *err)
{
	size_t count = 0;
	const char **argv = calloc(count_words(head) + count_words(tail) + 2,
				   sizeof(*argv));

	if (!argv)
		return error_set(err, -ENOMEM, "out of memory");
	if (first)
		argv[count++] = first;
	for (; head && *head; head++)
		argv[count++] = *head;
	for (; tail && *tail; tail++)
		argv[count++] = *tail;
	*ret_argv = argv;
	return 0;
}

bool job_command_stands_in(const struct job_image *image, char **arguments)
{
	return arguments[0] && arguments[1] &&
	       strcmp(arguments[0], "/condor_container_launcher.sh") == 0 &&
	       !job_image_is_executable(image, "/bin/sh");
}

int job_command_exec(const struct job_options *options,
		     const struct job_image *image, char **arguments,
		     const char ***ret_argv, struct error *err)
{
	(void)options;
	if (job_command_stands_in(image, arguments))
		arguments++;
	return join_words(NULL, arguments, NULL, ret_argv, err);
}

/* A script of an application's (SCIF).  Its path lies behind the words. */
static int choose_app(const struct job_options *options,
		      const struct job_image *image, const char *name,
		      char **arguments, const char ***ret_argv,
		      struct error *err)
{
	size_t count = count_words(arguments) + 2;
	char path[PATH_MAX];
	const char **argv;
	char *copy;

	snprintf(path, sizeof(path), "/scif/apps/%.200s/scif/%s", options->app,
		 name);
	if (strchr(options->app, '/') || !job_image_is_executable(image, path))
		return error_set(err, -ENOENT,
				 "the image's application %.200s has no %s",
				 options->app, name);
	argv = calloc(1, count * sizeof(*argv) + strlen(path) + 1);
	if (!argv)
		return error_set(err, -ENOMEM, "out of memory");
	copy = (char *)(argv + count);
	memcpy(copy, path, strlen(path) + 1);
	argv[0] = copy;
	for (size_t i = 0; arguments[i]; i++)
		argv[i + 1] = arguments[i];
	*ret_argv = argv;
	return 0;
}

static const char *const scripts[] = { "/.singularity.d/runscript",
				       "/apptainer", "/singularity" };

/* NULL: the image has none. */
static const char *find_script(const struct job_image *image)
{
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
		if (job_image_is_executable(image, scripts[i]))
			return scripts[i];
	return NULL;
}

bool job_command_runs_words(const struct job_options *options,
			    const struct job_image *image)
{
	return !options->app && !options->entrypoint && image->config &&
	       !find_script(image);
}

int job_command_run(const struct job_options *options,
		    const struct job_image *image, char **arguments,
		    const char ***ret_argv, struct error *err)
{
	const struct image_config *config = image->config;
	const char *script;

	if (options->app)
		return choose_app(options, image, "runscript", arguments,
				  ret_argv, err);
	if (options->entrypoint)
		return join_words(options->entrypoint, arguments, NULL,
				  ret_argv, err);
	script = find_script(image);
	if (script)
		return join_words(script, arguments, NULL, ret_argv, err);
	if (config && (config->entrypoint[0] || config->cmd[0]))
		return join_words(NULL, config->entrypoint,
				  arguments[0] ? arguments : config->cmd,
				  ret_argv, err);
	if (config && arguments[0])
		return join_words(NULL, arguments, NULL, ret_argv, err);
	return join_words("/bin/sh", arguments, NULL, ret_argv, err);
}

int job_command_shell(const struct job_options *options,
		      const struct job_image *image, char **arguments,
		      const char ***ret_argv, struct error *err)
{
	static const char *const no_startup[] = { "--norc", NULL };

	if (options->shell)
		return join_words(options->shell, arguments, NULL, ret_argv,
				  err);
	if (job_image_is_executable(image, "/bin/bash"))
		return join_words("/bin/bash", (char *const *)no_startup,
				  arguments, ret_argv, err);
	return join_words("/bin/sh", arguments, NULL, ret_argv, err);
}

int job_command_test(const struct job_options *options,
		     const struct job_image *image, char **arguments,
		     const char ***ret_argv, struct error *err)
{
	static const char script[] = "/.singularity.d/test";
	static const char actions[] = "/.singularity.d/actions/test";

	if (options->app)
		return choose_app(options, image, "test", arguments, ret_argv,
				  err);
	if (job_image_is_executable(image, script))
		return join_words(script, arguments, NULL, ret_argv, err);
	/* Apptainer's words where it has a script to say them; there is nothing
	 * in running true */
	if (!image->index && !job_image_is_executable(image, actions))
		return join_words(NULL, NULL, NULL, ret_argv, err);
	printf("No test found in container, executing /bin/sh -c true\n");
	if (fflush(stdout) != 0)
		return error_set_errno(err, -errno, "cannot write");
	return join_words(NULL, NULL, NULL, ret_argv, err);
}
