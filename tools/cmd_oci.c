/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci: as much of an OCI runtime as `srun --container` calls (docs/slurm.md).
 *
 * `run` executes in the foreground, and its end is the container's. So query
 * only ever finds a stopped one, and kill and delete nothing to do.
 */
#include "common/cleanup.h"
#include "common/error.h"
#include "run/run.h"
#include "tools/command.h"
#include "tools/job.h"
#include "tools/job_command.h"
#include "tools/job_image.h"
#include "tools/job_options.h"
#include "tools/oci_bundle.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int set_environment(const struct oci_bundle *bundle, struct error *err)
{
	/* NOLINTBEGIN(concurrency-mt-unsafe): there is one thread yet */
	clearenv();
	for (char **e = bundle->env; *e; e++)
		if (strchr(*e, '=') && putenv(*e) != 0)
			return error_set(err, -ENOMEM, "out of memory");
	/* NOLINTEND(concurrency-mt-unsafe) */
	return 0;
}

/* The bundle's mounts, and the host's directory of the same name as
 * process.cwd: SLURM means the job's there. */
static int list_binds(const struct oci_bundle *bundle, char cwd[],
		      size_t cwd_size, struct option_list *ret,
		      struct error *err)
{
	size_t count = 0;
	struct stat st;

	while (bundle->binds[count])
		count++;
	ret->values = calloc(count + 1, sizeof(*ret->values));
	if (!ret->values)
		return error_set(err, -ENOMEM, "out of memory");
	if (strcmp(bundle->cwd, "/") != 0 && stat(bundle->cwd, &st) == 0 &&
	    S_ISDIR(st.st_mode) && !strpbrk(bundle->cwd, ":,\\") &&
	    (size_t)snprintf(cwd, cwd_size, "%s", bundle->cwd) < cwd_size)
		ret->values[ret->count++] = cwd;
	for (size_t i = 0; i < count; i++)
		ret->values[ret->count++] = bundle->binds[i];
	return 0;
}

/* The name at the end of @path, when @path lies directly in @folder. */
static const char *name_in(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/' &&
			       !strchr(path + len + 1, '/')
		       ? path + len + 1
		       : NULL;
}

/* srun of 26.05 looks a command up on the host it is called on, for bundles
 * too.  One that the image has in another of these folders is meant by its
 * name. */
static const char *find_name(const struct job_image *image, const char *path)
{
	static const char *const folders[] = {
		"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
		"/usr/bin",	   "/sbin",	     "/bin",
	};
	const size_t count = sizeof(folders) / sizeof(*folders);
	const char *name = NULL;
	char other[PATH_MAX];

	for (size_t i = 0; !name && i < count; i++)
		name = name_in(path, folders[i]);
	if (!name || job_image_is_executable(image, path))
		return NULL;
	for (size_t i = 0; i < count; i++)
		if ((size_t)snprintf(other, sizeof(other), "%s/%s", folders[i],
				     name) < sizeof(other) &&
		    job_image_is_executable(image, other))
			return name;
	return NULL;
}

/* A job_command_fn. */
static int choose_command(const struct job_options *options,
			  const struct job_image *image, char **arguments,
			  const char ***ret_argv, struct error *err)
{
	int r = job_command_exec(options, image, arguments, ret_argv, err);
	const char *name = r == 0 && (*ret_argv)[0]
				   ? find_name(image, (*ret_argv)[0])
				   : NULL;

	if (name)
		(*ret_argv)[0] = name;
	return r;
}

static int run_bundle(struct job_options *options, const char *dir,
		      struct error *err)
{
	CLEANUP(oci_bundle_destroyp) struct oci_bundle *bundle = NULL;
	char cwd[4096];
	int r = oci_bundle_load(dir, &bundle, err);

	if (r == 0)
		r = set_environment(bundle, err);
	if (r == 0)
		r = list_binds(bundle, cwd, sizeof(cwd), &options->binds, err);
	if (r == 0) {
		const struct job job = {
			.options = options,
			.command = "exec",
			.image = bundle->image,
			.arguments = bundle->args,
			.choose = choose_command,
		};

		options->contain = true;
		options->cwd = bundle->cwd;
		r = job_options_settle(options, err);
		if (r == 0)
			r = job_run(&job, err);
	}
	job_options_fini(options);
	return r;
}

static int oci_main(void *values, char **operands, int count, struct error *err)
{
	const char *verb = operands[0];

	(void)count;
	if (strcmp(verb, "run") == 0)
		return run_bundle(values, operands[1], err);
	if (strcmp(verb, "query") == 0) {
		printf("{\"ociVersion\": \"1.0.2\", \"id\": \"lazyrun\", "
		       "\"status\": \"stopped\"}\n");
		return EXIT_FAILED;
	}
	if (strcmp(verb, "kill") == 0 || strcmp(verb, "delete") == 0)
		return 0;
	return command_usage_error(err,
				   "unknown verb \"%.40s\"; run, query, kill "
				   "and delete are there",
				   verb);
}

const struct command cmd_oci = {
	.name = "oci",
	.operands = "run|query|kill|delete BUNDLE",
	.summary = "run an OCI bundle, for srun --container",
	.details = "See docs/slurm.md.",
	.values_size = sizeof(struct job_options),
	.operands_min = 2,
	.operands_max = 2,
	.failure_status = RUN_EXIT_FAILURE,
	.main = oci_main,
};
