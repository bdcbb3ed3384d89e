/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runner costs: `true` in a directory, by this library and by bwrap,
 * in turn, so that both see the same noise.
 *
 * usage: bench_run DIRECTORY [COUNT]
 *
 * DIRECTORY is a root with /bin/true.  Run it as an ordinary user.
 */
#include "common/clock.h"
#include "common/error.h"
#include "run/run.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

enum {
	COUNT = 41,
	COUNT_MAX = 10000,
};

extern char **environ;

static int run_once(const char *root, bool use_pid_namespace)
{
	static const char *const argv[] = { "/bin/true", NULL };
	struct run_options options = { .root_directory = root,
				       .use_pid_namespace = use_pid_namespace };
	struct run_job job = { .argv = argv,
			       .envp = (const char *const *)environ };
	struct error err = { .code = 0 };
	struct run *run = NULL;
	int exit_code;
	int status = 0;
	int r;

	r = run_spawn(&options, &run, &err);
	if (r == 0)
		r = run_start(run, &job, &exit_code, &err);
	if (r == 0)
		r = run_wait(run, &status, &err);
	run_destroy(run);
	if (r < 0)
		fprintf(stderr, "bench_run: %s\n", err.text);
	return r < 0 ? r : status;
}

static int run_direct(const char *root)
{
	return run_once(root, false);
}

static int run_with_pid(const char *root)
{
	return run_once(root, true);
}

static int run_bwrap(const char *root)
{
	const char *const argv[] = {
		"bwrap",  "--bind", root,    "/",	  "--dev-bind", "/dev",
		"/dev",	  "--proc", "/proc", "--ro-bind", "/sys",	"/sys",
		"--bind", "/tmp",   "/tmp",  "/bin/true", NULL,
	};
	int status = 0;
	pid_t pid;

	if (posix_spawnp(&pid, "bwrap", NULL, NULL, (char *const *)argv,
			 environ) != 0)
		return -ENOENT;
	waitpid(pid, &status, 0);
	return status;
}

static const struct {
	const char *name;
	int (*run)(const char *root);
} kinds[] = {
	{ "bwrap", run_bwrap },
	{ "run", run_direct },
	{ "run with a pid namespace", run_with_pid },
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(*kinds) };

static int compare(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
	static int64_t times_us[KIND_COUNT][COUNT_MAX];
	long count = argc > 2 ? strtol(argv[2], NULL, 10) : COUNT;

	if (argc < 2 || count < 1 || count > COUNT_MAX) {
		fprintf(stderr, "usage: bench_run DIRECTORY [COUNT]\n");
		return 2;
	}
	for (long i = 0; i < count; i++) {
		for (size_t kind = 0; kind < KIND_COUNT; kind++) {
			int64_t start_us = clock_us();

			if (kinds[kind].run(argv[1]) != 0) {
				fprintf(stderr, "%s failed\n",
					kinds[kind].name);
				return 1;
			}
			times_us[kind][i] = clock_us() - start_us;
		}
	}
	for (size_t kind = 0; kind < KIND_COUNT; kind++) {
		qsort(times_us[kind], (size_t)count, sizeof(int64_t), compare);
		printf("%-26s min %6.2f ms  median %6.2f ms\n",
		       kinds[kind].name, (double)times_us[kind][0] / 1000,
		       (double)times_us[kind][count / 2] / 1000);
	}
	return 0;
}
