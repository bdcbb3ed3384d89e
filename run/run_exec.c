/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_exec.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char default_path[] =
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

int run_exec_enter_cwd(const struct run_job *job, const char *host_cwd,
		       struct error *err)
{
	const char *cwd = job->cwd ? job->cwd : host_cwd;

	if (cwd && chdir(cwd) == 0)
		return 0;
	if (cwd && job->cwd_is_required)
		return error_set_errno(err, -errno,
				       "cannot enter the working directory %s",
				       cwd);
	if (job->home && chdir(job->home) == 0)
		return 0;
	if (chdir("/") < 0)
		return error_set_errno(err, -errno, "cannot enter /");
	return 0;
}

static const char *find_variable(const char *const *envp, const char *name)
{
	size_t len = strlen(name);

	for (; *envp; envp++)
		if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=')
			return *envp + len + 1;
	return NULL;
}

static int exec_script(const char *path, const struct run_job *job)
{
	size_t count = 0;
	autofree const char **argv = NULL;

	while (job->argv[count])
		count++;
	argv = calloc(count + 2, sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	argv[0] = "/bin/sh";
	argv[1] = path;
	for (size_t i = 1; i < count; i++)
		argv[i + 1] = job->argv[i];
	execve(argv[0], (char *const *)argv, (char *const *)job->envp);
	/* Without a shell, the script's own failure is the one to tell. */
	return errno == ENOENT ? -ENOEXEC : -errno;
}

/* Returns on failure only. */
static int exec_file(const char *path, const struct run_job *job)
{
	execve(path, (char *const *)job->argv, (char *const *)job->envp);
	if (errno == ENOEXEC)
		return exec_script(path, job);
	return -errno;
}

static bool is_missing(int code)
{
	return code == -ENOENT || code == -ENOTDIR || code == -ENAMETOOLONG;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* As shells do: what cannot be executed is passed over, but remembered. */
static int exec_searched(const char *name, const struct run_job *job,
			 char ret_path[PATH_MAX])
{
	const char *path = find_variable(job->envp, "PATH");
	int result = -ENOENT;

	if (!path || !*path)
		path = default_path;
	for (;;) {
		size_t len = strcspn(path, ":");
		char file[PATH_MAX];
		int n;
		int r;

		/* An empty element is the working directory. */
		n = snprintf(file, sizeof(file), "%.*s/%s", len ? (int)len : 1,
			     len ? path : ".", name);
		r = n > 0 && (size_t)n < sizeof(file) ? exec_file(file, job)
						      : -ENAMETOOLONG;
		if (r == -ENOENT && access(file, F_OK) == 0)
			r = -ELIBACC; /* its interpreter is what is missing */
		if (r == -EACCES && is_directory(file))
			r = -ENOENT;
		if (!is_missing(r)) {
			memcpy(ret_path, file, sizeof(file));
			result = r;
			if (r != -EACCES)
				return result;
		}
		if (path[len] == '\0')
			return result;
		path += len + 1;
	}
}

static int say_why_not(const char *path, int code, int *ret_exit,
		       struct error *err)
{
	*ret_exit = is_missing(code) || code == -ELIBACC
			    ? RUN_EXIT_NOT_FOUND
			    : RUN_EXIT_NOT_EXECUTABLE;
	if (is_missing(code))
		return error_set(err, -ENOENT,
				 "%s: command not found in the image", path);
	if (code == -ELIBACC)
		return error_set(err, -ENOENT,
				 "%s: its interpreter or dynamic loader is "
				 "missing in the image",
				 path);
	if (code == -EACCES && is_directory(path))
		return error_set(err, code, "%s is a directory", path);
	if (code == -ENOEXEC)
		return error_set(err, code,
				 "%s cannot be executed: it is no program for "
				 "this machine and there is no /bin/sh for a "
				 "script",
				 path);
	if (code == -E2BIG)
		return error_set(err, code,
				 "%s: the arguments and the environment are "
				 "larger than the system allows: shorten them "
				 "or raise the stack limit (ulimit -s)",
				 path);
	return error_set_errno(err, code, "%s cannot be executed", path);
}

static int make_mark(const struct run_job *job, struct error *err)
{
	const char *folder = find_variable(job->envp, job->mark_variable);
	autoclose int fd = -1;
	char path[PATH_MAX];

	if (!folder || (size_t)snprintf(path, sizeof(path), "%s/%s", folder,
					job->mark_name) >= sizeof(path))
		return error_set(err, -EINVAL,
				 "%s, where the start is to be marked, is no "
				 "directory: it is not set, or too long",
				 job->mark_variable);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_set_errno(err, -errno, "cannot make %s", path);
	return 0;
}

int run_exec(const struct run_job *job, int *ret_exit, struct error *err)
{
	const char *name = job->argv[0];
	char path[PATH_MAX];
	int r = job->mark_variable ? make_mark(job, err) : 0;

	if (r < 0) {
		*ret_exit = RUN_EXIT_FAILURE;
		return r;
	}
	if (!strchr(name, '/')) {
		snprintf(path, sizeof(path), "%s", name);
		r = *name ? exec_searched(name, job, path) : -ENOENT;
		return say_why_not(path, r, ret_exit, err);
	}
	r = exec_file(name, job);
	if (r == -ENOENT && access(name, F_OK) == 0)
		r = -ELIBACC;
	return say_why_not(name, r, ret_exit, err);
}
