/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_options.h"

#include "common/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OPT(member) offsetof(struct job_options, member)

const struct option job_option_table[] = {
	{ "bind", 'B', OPTION_LIST, "SRC[:DST[:ro]]",
	  "show a host path inside; several separated by commas",
	  "LAZYRUN_BIND", OPT(binds), .twins = "BIND BINDPATH" },
	{ "mount", 0, OPTION_LIST, "type=bind,src=SRC,dst=DST[,ro]",
	  "the same as --bind, as docker writes it", NULL, OPT(mounts),
	  .twins = "MOUNT" },
	{ "home", 'H', OPTION_TEXT, "SRC[:DST]",
	  "home directory inside [the user's own]", "LAZYRUN_HOME", OPT(home),
	  .twins = "HOME" },
	{ "no-home", 0, OPTION_FLAG, NULL, "do not show $HOME inside",
	  "LAZYRUN_NO_HOME", OPT(no_home), .twins = "NO_HOME" },
	{ "pwd", 0, OPTION_TEXT, "DIR",
	  "working directory inside [the caller's; run: the image's first]",
	  "LAZYRUN_PWD", OPT(cwd), .twins = "PWD TARGET_PWD" },
	{ "cwd", 0, OPTION_TEXT, "DIR", "the same as --pwd", NULL, OPT(cwd),
	  .twins = "CWD TARGET_CWD" },
	{ "contain", 'c', OPTION_FLAG, NULL,
	  "a minimal /dev; private /tmp, /var/tmp and home", "LAZYRUN_CONTAIN",
	  OPT(contain), .twins = "CONTAIN" },
	{ "containall", 'C', OPTION_FLAG, NULL,
	  "--contain --pid --ipc --cleanenv", "LAZYRUN_CONTAINALL",
	  OPT(containall), .twins = "CONTAINALL" },
	{ "workdir", 'W', OPTION_TEXT, "DIR",
	  "private directories lie below it, not in memory", "LAZYRUN_WORKDIR",
	  OPT(workdir), .twins = "WORKDIR" },
	{ "scratch", 'S', OPTION_LIST, "DIR",
	  "a private directory inside; several separated by commas",
	  "LAZYRUN_SCRATCH", OPT(scratch), .twins = "SCRATCH SCRATCHDIR" },
	{ "overlay", 'o', OPTION_LIST, "DIR|FILE[:ro]",
	  "keep what the job writes in DIR; with :ro show what is kept there, "
	  "or in a SquashFS or ext3 file",
	  "LAZYRUN_OVERLAY", OPT(overlays), .twins = "OVERLAY OVERLAYIMAGE" },
	{ "no-mount", 0, OPTION_LIST, "NAME,...",
	  "leave out proc, sys, dev, devpts, home, tmp, cwd, bind-paths",
	  "LAZYRUN_NO_MOUNT", OPT(no_mount), .twins = "NO_MOUNT" },
	{ "env", 0, OPTION_LIST, "NAME=VALUE",
	  "set a variable for the job; NAME alone passes the caller's on", NULL,
	  OPT(env) },
	{ "env-file", 0, OPTION_LIST, "FILE",
	  "the same from lines of a file, as a shell reads them",
	  "LAZYRUN_ENV_FILE", OPT(env_files), .twins = "ENV_FILE" },
	{ "cleanenv", 'e', OPTION_FLAG, NULL,
	  "of the caller's environment pass only TERM and the proxies",
	  "LAZYRUN_CLEANENV", OPT(clean_env), .twins = "CLEANENV" },
	{ "pid", 'p', OPTION_FLAG, NULL,
	  "own process ids; whatever still runs at the end is killed",
	  "LAZYRUN_PID", OPT(use_pid), .twins = "PID UNSHARE_PID" },
	{ "ipc", 'i', OPTION_FLAG, NULL, "own System V and POSIX IPC",
	  "LAZYRUN_IPC", OPT(use_ipc), .twins = "IPC UNSHARE_IPC" },
	{ "join", 0, OPTION_TEXT, "MODE",
	  "join an instance of the image: auto, never, or always (started when "
	  "missing) [auto]",
	  "LAZYRUN_JOIN", OPT(join) },
	{ "keep", 0, OPTION_DURATION, "TIME",
	  "--join always, and keep the mount so long when idle", "LAZYRUN_KEEP",
	  OPT(keep_ms) },
	{ "writable-tmpfs", 0, OPTION_FLAG, NULL,
	  "let the job write anywhere; lost at its end",
	  "LAZYRUN_WRITABLE_TMPFS", OPT(writable_tmpfs),
	  .twins = "WRITABLE_TMPFS" },
	{ "writable-size", 0, OPTION_SIZE, "SIZE",
	  "bound of --writable-tmpfs and of each private directory in memory "
	  "[half the memory]",
	  "LAZYRUN_WRITABLE_SIZE", OPT(writable_size) },
	{ "entrypoint", 0, OPTION_TEXT, "PATH",
	  "run: this instead of the image's entrypoint and command", NULL,
	  OPT(entrypoint) },
	{ "shell", 's', OPTION_TEXT, "PATH",
	  "shell: this instead of /bin/bash or /bin/sh", "LAZYRUN_SHELL",
	  OPT(shell), .twins = "SHELL" },
	{ "profile", 0, OPTION_TEXT, "auto|off|FILE",
	  "ask ahead for what this command read before [auto]",
	  "LAZYRUN_PROFILE", OPT(profile) },
	{ "hints", 0, OPTION_TEXT, "auto|off",
	  "without a profile, ask ahead for what the index knows to be needed "
	  "with the command [auto]",
	  "LAZYRUN_HINTS", OPT(hints) },
	{ "nv", 0, OPTION_FLAG, NULL, "the host's NVIDIA driver and GPUs",
	  "LAZYRUN_NV", OPT(gpu.use_nvidia), .twins = "NV" },
	{ "rocm", 0, OPTION_FLAG, NULL, "the host's AMD driver and GPUs",
	  "LAZYRUN_ROCM", OPT(gpu.use_rocm), .twins = "ROCM" },
	{ "gpus", 0, OPTION_TEXT, "GPUS",
	  "--nv with all, a number of GPUs, or device=NAME[,NAME]",
	  "LAZYRUN_GPUS", OPT(gpu.gpus) },
	{ "device", 0, OPTION_LIST, "VENDOR/CLASS=NAME",
	  "a device of the Container Device Interface", "LAZYRUN_DEVICE",
	  OPT(gpu.devices), .twins = "DEVICE" },
	{ "cdi-dirs", 0, OPTION_LIST, "DIR",
	  "where its files are [/etc/cdi, /var/run/cdi]", "LAZYRUN_CDI_DIRS",
	  OPT(gpu.cdi_dirs), .twins = "CDI_DIRS" },
	{ "driver-root", 0, OPTION_TEXT, "DIR",
	  "where the GPU's driver is installed [/]", "LAZYRUN_DRIVER_ROOT",
	  OPT(gpu.driver_root) },
	{ "gpu-libraries", 0, OPTION_LIST, "DIR",
	  "libraries of the driver that the linker does not know of",
	  "LAZYRUN_GPU_LIBRARIES", OPT(gpu.libraries) },
	{ "hot-tree", 0, OPTION_TEXT, "auto|off",
	  "keep what starts read as native files on this node [auto]",
	  "LAZYRUN_HOT_TREE", OPT(hot_tree) },
	{ "statistics", 0, OPTION_TEXT, "FILE",
	  "append a line of JSON at the end: times, bytes, requests",
	  "LAZYRUN_STATISTICS", OPT(statistics) },
	{ 0 },
};

/* Docker's --user: one that can be had is the caller's own, or root's. */
static int settle_user(struct job_options *options, struct error *err)
{
	unsigned uid = 0;
	unsigned gid = 0;
	char rest;
	int count;

	if (!options->user)
		return 0;
	if (strcmp(options->user, "root") == 0) {
		options->fakeroot = geteuid() != 0;
		return 0;
	}
	count = sscanf(options->user, "%u:%u%c", &uid, &gid, &rest);
	if (count < 1 || count > 2)
		return error_set(err, -EINVAL,
				 "--user \"%.60s\": write UID or UID:GID",
				 options->user);
	if (uid == geteuid() && (count < 2 || gid == getegid()))
		return 0;
	if (uid == 0 && (count < 2 || gid == 0)) {
		options->fakeroot = true;
		return 0;
	}
	return error_set(err, -EINVAL,
			 "--user %.60s: without root a job can only run as you "
			 "(%u:%u) or, by name, as root (0:0)",
			 options->user, geteuid(), getegid());
}

static int settle_network(struct job_options *options, struct error *err)
{
	if (options->network && strcmp(options->network, "none") == 0)
		options->use_net = true;
	else if (options->network && strcmp(options->network, "host") != 0)
		return error_set(err, -EINVAL,
				 "--network \"%.60s\": only none and host can "
				 "be had without root",
				 options->network);
	else if (options->use_net)
		return error_set(err, -EINVAL,
				 "--net needs --network none: a bridge cannot "
				 "be set up without root");
	return 0;
}

int job_options_settle(struct job_options *options, struct error *err)
{
	int r;

	if (options->compat) {
		options->containall = true;
		options->no_umask = true;
		options->no_eval = true;
		options->no_init = true;
		options->writable_tmpfs = true;
	}
	if (options->containall) {
		options->contain = true;
		options->use_pid = true;
		options->use_ipc = true;
		options->clean_env = true;
	}
	if (options->no_pid)
		options->use_pid = false;
	if (options->hostname)
		options->use_uts = true;
	r = settle_network(options, err);
	return r < 0 ? r : settle_user(options, err);
}

void job_options_fini(struct job_options *options)
{
	option_list_fini(&options->binds);
	option_list_fini(&options->mounts);
	option_list_fini(&options->scratch);
	option_list_fini(&options->no_mount);
	option_list_fini(&options->overlays);
	option_list_fini(&options->env);
	option_list_fini(&options->exact_env);
	option_list_fini(&options->env_files);
	gpu_option_fini(&options->gpu);
}
