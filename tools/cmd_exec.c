/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec, run and shell: the three ways to choose what a job executes.
 */
#include "common/error.h"
#include "image/image_config.h"
#include "index/index_file.h"
#include "run/run.h"
#include "tools/command.h"
#include "tools/job.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define OPT(member) offsetof(struct job_options, member)

static const struct option job_option_table[] = {
	{ "bind", 'B', OPTION_LIST, "SRC[:DST[:ro]]",
	  "show a host path inside; several separated by commas",
	  "LAZYRUN_BIND", OPT(binds) },
	{ "env", 0, OPTION_LIST, "NAME=VALUE",
	  "set a variable for the job; NAME alone passes the caller's on", NULL,
	  OPT(env) },
	{ "cleanenv", 'e', OPTION_FLAG, NULL,
	  "of the caller's environment pass only TERM, LANG, TZ, proxies",
	  "LAZYRUN_CLEANENV", OPT(clean_env) },
	{ "pwd", 0, OPTION_TEXT, "DIR",
	  "working directory inside [the caller's; run: the image's first]",
	  "LAZYRUN_PWD", OPT(cwd) },
	{ "cwd", 0, OPTION_TEXT, "DIR", "the same as --pwd", NULL, OPT(cwd) },
	{ "no-home", 0, OPTION_FLAG, NULL, "do not show $HOME inside",
	  "LAZYRUN_NO_HOME", OPT(no_home) },
	{ "pid", 'p', OPTION_FLAG, NULL,
	  "own process ids; whatever still runs at the end is killed",
	  "LAZYRUN_PID", OPT(use_pid) },
	{ "ipc", 'i', OPTION_FLAG, NULL, "own System V and POSIX IPC",
	  "LAZYRUN_IPC", OPT(use_ipc) },
	{ "writable-tmpfs", 0, OPTION_FLAG, NULL,
	  "let the job write anywhere; lost at its end",
	  "LAZYRUN_WRITABLE_TMPFS", OPT(writable_tmpfs) },
	{ "writable-size", 0, OPTION_SIZE, "SIZE",
	  "bound of --writable-tmpfs [half the memory]",
	  "LAZYRUN_WRITABLE_SIZE", OPT(writable_size) },
	{ "entrypoint", 0, OPTION_TEXT, "PATH",
	  "run: this instead of the image's entrypoint and command", NULL,
	  OPT(entrypoint) },
	{ "shell", 's', OPTION_TEXT, "PATH",
	  "shell: this instead of /bin/bash or /bin/sh", "LAZYRUN_SHELL",
	  OPT(shell) },
	{ "profile", 0, OPTION_TEXT, "auto|off|FILE",
	  "ask ahead for what this command read before [auto]",
	  "LAZYRUN_PROFILE", OPT(profile) },
	{ "nv", 0, OPTION_FLAG, NULL, "the host's NVIDIA driver and GPUs",
	  "LAZYRUN_NV", OPT(gpu.use_nvidia) },
	{ "rocm", 0, OPTION_FLAG, NULL, "the host's AMD driver and GPUs",
	  "LAZYRUN_ROCM", OPT(gpu.use_rocm) },
	{ "gpus", 0, OPTION_TEXT, "GPUS",
	  "--nv with all, a number of GPUs, or device=NAME[,NAME]",
	  "LAZYRUN_GPUS", OPT(gpu.gpus) },
	{ "device", 0, OPTION_LIST, "VENDOR/CLASS=NAME",
	  "a device of the Container Device Interface", "LAZYRUN_DEVICE",
	  OPT(gpu.devices) },
	{ "cdi-dirs", 0, OPTION_LIST, "DIR",
	  "where its files are [/etc/cdi, /var/run/cdi]", "LAZYRUN_CDI_DIRS",
	  OPT(gpu.cdi_dirs) },
	{ "driver-root", 0, OPTION_TEXT, "DIR",
	  "where the GPU's driver is installed [/]", "LAZYRUN_DRIVER_ROOT",
	  OPT(gpu.driver_root) },
	{ "gpu-libraries", 0, OPTION_LIST, "DIR",
	  "libraries of the driver that the linker does not know of",
	  "LAZYRUN_GPU_LIBRARIES", OPT(gpu.libraries) },
	{ "statistics", 0, OPTION_TEXT, "FILE",
	  "append a line of JSON at the end: times, bytes, requests",
	  "LAZYRUN_STATISTICS", OPT(statistics) },
	{ 0 },
};

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

static int choose_exec(const struct job_options *options,
		       const struct job_image *image, char **arguments,
		       const char ***ret_argv, struct error *err)
{
	(void)options;
	(void)image;
	return join_words(NULL, arguments, NULL, ret_argv, err);
}

/* Arguments replace Cmd and follow Entrypoint (OCI config.md). */
static int choose_run(const struct job_options *options,
		      const struct job_image *image, char **arguments,
		      const char ***ret_argv, struct error *err)
{
	const struct image_config *config = image->config;

	if (options->entrypoint)
		return join_words(options->entrypoint, arguments, NULL,
				  ret_argv, err);
	if (!config->entrypoint[0] && !config->cmd[0] && !arguments[0])
		return join_words("/bin/sh", NULL, NULL, ret_argv, err);
	return join_words(NULL, config->entrypoint,
			  arguments[0] ? arguments : config->cmd, ret_argv,
			  err);
}

static bool is_executable(const struct index_file *index, const char *path)
{
	struct index_inode inode;
	uint32_t number;

	return index_file_resolve(index, path, true, &number) == 0 &&
	       index_file_get_inode(index, number, &inode) == 0 &&
	       S_ISREG(inode.mode) && (inode.mode & 0111);
}

static int choose_shell(const struct job_options *options,
			const struct job_image *image, char **arguments,
			const char ***ret_argv, struct error *err)
{
	static const char *const no_startup[] = { "--norc", NULL };

	if (options->shell)
		return join_words(options->shell, arguments, NULL, ret_argv,
				  err);
	if (is_executable(image->index, "/bin/bash"))
		return join_words("/bin/bash", (char *const *)no_startup,
				  arguments, ret_argv, err);
	return join_words("/bin/sh", arguments, NULL, ret_argv, err);
}

static int run_job(void *values, char **operands, job_choose_fn *choose,
		   bool prefers_image_cwd, struct error *err)
{
	struct job_options *options = values;
	const struct job job = {
		.options = options,
		.image = operands[0],
		.arguments = operands + 1,
		.choose = choose,
		.prefers_image_cwd = prefers_image_cwd,
	};
	int r = job_run(&job, err);

	option_list_fini(&options->binds);
	option_list_fini(&options->env);
	gpu_option_fini(&options->gpu);
	return r;
}

static int exec_main(void *values, char **operands, int count,
		     struct error *err)
{
	(void)count;
	return run_job(values, operands, choose_exec, false, err);
}

static int run_main(void *values, char **operands, int count, struct error *err)
{
	(void)count;
	return run_job(values, operands, choose_run, true, err);
}

static int shell_main(void *values, char **operands, int count,
		      struct error *err)
{
	(void)count;
	return run_job(values, operands, choose_shell, false, err);
}

#define JOB_DETAILS                                                            \
	"IMAGE is docker://[HOST[:PORT]/]NAME[:TAG][@DIGEST] or "              \
	"oci:DIR[:TAG].  Only what the\njob touches is fetched.  Exit "        \
	"status: "                                                             \
	"the command's own; 125 when lazyrun itself\nfails, 126 when the "     \
	"command cannot be executed, 127 when it is not found, 2 for\nwrong "  \
	"usage."

const struct command cmd_exec = {
	.name = "exec",
	.operands = "IMAGE COMMAND [ARGUMENT...]",
	.summary = "run a command inside an image",
	.details = JOB_DETAILS,
	.options = job_option_table,
	.values_size = sizeof(struct job_options),
	.stops_early = true,
	.operands_min = 2,
	.operands_max = -1,
	.failure_status = RUN_EXIT_FAILURE,
	.main = exec_main,
};

const struct command cmd_run = {
	.name = "run",
	.operands = "IMAGE [ARGUMENT...]",
	.summary = "run an image's own entrypoint and command",
	.details = JOB_DETAILS,
	.options = job_option_table,
	.values_size = sizeof(struct job_options),
	.stops_early = true,
	.operands_min = 1,
	.operands_max = -1,
	.failure_status = RUN_EXIT_FAILURE,
	.main = run_main,
};

const struct command cmd_shell = {
	.name = "shell",
	.operands = "IMAGE [ARGUMENT...]",
	.summary = "run a shell inside an image",
	.details = JOB_DETAILS,
	.options = job_option_table,
	.values_size = sizeof(struct job_options),
	.stops_early = true,
	.operands_min = 1,
	.operands_max = -1,
	.failure_status = RUN_EXIT_FAILURE,
	.main = shell_main,
};
