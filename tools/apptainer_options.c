/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of Apptainer's exec, run, shell and test that lazyrun has for its
 * sake only.  What cannot be had is refused with a reason, never passed over;
 * what makes no difference here says so.
 */
#include "tools/job_options.h"

#define OPT(member) offsetof(struct job_options, member)
#define REFUSED(option, argument, reason, names)                               \
	{                                                                      \
		option, 0, OPTION_REFUSED, argument, reason, NULL, 0,          \
			.twins = names                                         \
	}
#define IGNORED(option, letter, reason, names)                                 \
	{                                                                      \
		option, letter, OPTION_FLAG, NULL, reason, NULL, OPT(ignored), \
			.twins = names                                         \
	}

#define NO_POWER "no job ever has more power than its user"
#define NO_CGROUP                                                              \
	"there is --memory and its kin; for others start lazyrun within "      \
	"systemd-run --user --scope -p ..."
#define NO_DECRYPTION "encrypted images cannot be read"

const struct option apptainer_option_table[] = {
	{ "no-pid", 0, OPTION_FLAG, NULL, "no --pid, whatever implies it", NULL,
	  OPT(no_pid), .twins = "NO_PID" },
	{ "no-init", 0, OPTION_FLAG, NULL,
	  "--pid without an init of ours: the job is process 1", NULL,
	  OPT(no_init), .twins = "NO_INIT NOSHIMINIT" },
	{ "uts", 0, OPTION_FLAG, NULL, "own host name", NULL, OPT(use_uts),
	  .twins = "UTS UNSHARE_UTS" },
	{ "hostname", 0, OPTION_TEXT, "NAME", "this one; implies --uts", NULL,
	  OPT(hostname), .twins = "HOSTNAME" },
	{ "net", 'n', OPTION_FLAG, NULL,
	  "own network; only with --network none", NULL, OPT(use_net),
	  .twins = "NET UNSHARE_NET" },
	{ "network", 0, OPTION_TEXT, "none", "which one: none or host", NULL,
	  OPT(network), .twins = "NETWORK" },
	{ "writable", 'w', OPTION_FLAG, NULL,
	  "the job writes to its image, which must be a directory", NULL,
	  OPT(writable), .twins = "WRITABLE" },
	{ "fakeroot", 'f', OPTION_FLAG, NULL, "appear as root inside", NULL,
	  OPT(fakeroot), .twins = "FAKEROOT" },
	{ "ignore-subuid", 0, OPTION_FLAG, NULL,
	  "--fakeroot without the ids that /etc/subuid gives", NULL,
	  OPT(ignore_subuid), .twins = "IGNORE_SUBUID" },
	IGNORED("ignore-fakeroot-command", 0,
		"changes nothing: no fakeroot command is used",
		"IGNORE_FAKEROOT_COMMAND"),
	IGNORED("ignore-userns", 0, "changes nothing: there is always one",
		"IGNORE_USERNS"),
	{ "no-eval", 0, OPTION_FLAG, NULL,
	  "take values and OCI arguments byte for byte [the default]", NULL,
	  OPT(no_eval), .twins = "NO_EVAL" },
	{ "eval", 0, OPTION_FLAG, NULL,
	  "expand them by a shell's rules [only when called apptainer]",
	  "LAZYRUN_EVAL", OPT(eval) },
	{ "app", 0, OPTION_TEXT, "NAME", "an application of the image (SCIF)",
	  NULL, OPT(app), .twins = "APP APPNAME" },
	{ "disable-cache", 0, OPTION_FLAG, NULL,
	  "with a cache of the job's own, removed at its end", NULL,
	  OPT(disable_cache), .twins = "DISABLE_CACHE" },
	{ "no-umask", 0, OPTION_FLAG, NULL, "umask 0022, not the caller's",
	  NULL, OPT(no_umask), .twins = "NO_UMASK" },
	{ "compat", 0, OPTION_FLAG, NULL,
	  "--containall --no-init --no-umask --no-eval --writable-tmpfs", NULL,
	  OPT(compat), .twins = "COMPAT" },
	IGNORED("userns", 'u', "changes nothing: there is always one",
		"USERNS UNSHARE_USERNS"),
	IGNORED("no-privs", 0, "changes nothing: no job has any", "NO_PRIVS"),
	IGNORED("unsquash", 0, "changes nothing: nothing is converted",
		"UNSQUASH"),
	{ "drop-caps", 0, OPTION_TEXT, "CAPS",
	  "changes nothing: no job has any", NULL, OPT(ignored_text),
	  .twins = "DROP_CAPS" },
	{ "no-https", 0, OPTION_FLAG, NULL, "the same as --insecure", NULL,
	  OPT(common.insecure), .twins = "NOHTTPS NO_HTTPS" },
	{ "memory", 0, OPTION_SIZE, "SIZE",
	  "no more memory than this, by the user's systemd", NULL,
	  OPT(limits.memory), .twins = "MEMORY" },
	{ "memory-reservation", 0, OPTION_SIZE, "SIZE",
	  "what is not taken from the job before others' is", NULL,
	  OPT(limits.memory_reservation), .twins = "MEMORY_RESERVATION" },
	{ "memory-swap", 0, OPTION_TEXT, "SIZE",
	  "no more memory and swap together; -1: no limit", NULL,
	  OPT(limits.memory_swap), .twins = "MEMORY_SWAP" },
	{ "cpus", 0, OPTION_TEXT, "NUMBER", "the time of so many CPUs", NULL,
	  OPT(limits.cpus), .twins = "CPUS" },
	{ "cpu-shares", 0, OPTION_NUMBER, "N",
	  "weight where others want CPU time, 2 to 262144", NULL,
	  OPT(limits.cpu_shares), .twins = "CPU_SHARES" },
	{ "cpuset-cpus", 0, OPTION_TEXT, "LIST", "only these CPUs", NULL,
	  OPT(limits.cpuset_cpus), .twins = "CPUSET_CPUS" },
	{ "cpuset-mems", 0, OPTION_TEXT, "LIST", "only these memory nodes",
	  NULL, OPT(limits.cpuset_mems), .twins = "CPUSET_MEMS" },
	{ "blkio-weight", 0, OPTION_NUMBER, "N",
	  "weight where others want disks, 10 to 1000", NULL,
	  OPT(limits.blkio_weight), .twins = "BLKIO_WEIGHT" },
	{ "pids-limit", 0, OPTION_NUMBER, "N", "no more processes", NULL,
	  OPT(limits.pids_limit), .twins = "PIDS_LIMIT" },
	REFUSED("keep-privs", NULL, NO_POWER, "KEEP_PRIVS"),
	REFUSED("allow-setuid", NULL, NO_POWER, "ALLOW_SETUID"),
	REFUSED("add-caps", "CAPS", NO_POWER, "ADD_CAPS"),
	REFUSED("security", "OPTION",
		"lazyrun applies no SELinux, AppArmor or seccomp profile of "
		"its own: nothing would hold what was asked for",
		"SECURITY"),
	REFUSED("apply-cgroups", "FILE", NO_CGROUP, "APPLY_CGROUPS"),
	REFUSED("blkio-weight-device", "N", NO_CGROUP, "BLKIO_WEIGHT_DEVICE"),
	REFUSED("oom-kill-disable", NULL, NO_CGROUP, "OOM_KILL_DISABLE"),
	REFUSED("dns", "LIST",
		"bind a file of your own instead: --bind "
		"FILE:/etc/resolv.conf",
		"DNS"),
	REFUSED("netns-path", "PATH",
		"a job joins no network namespace: start lazyrun within it",
		"NETNS_PATH"),
	REFUSED("network-args", "ARGS",
		"there is no CNI: only --network none and host",
		"NETWORK_ARGS"),
	REFUSED("fusemount", "SPEC",
		"mount it on the host and bind it: --bind DIR",
		"FUSESPEC FUSEMOUNT"),
	REFUSED("passphrase", NULL, NO_DECRYPTION, NULL),
	REFUSED("pem-path", "FILE", NO_DECRYPTION, "ENCRYPTION_PEM_PATH"),
	REFUSED("docker-login", NULL,
		"log in beforehand, with docker, podman or skopeo login: "
		"lazyrun reads their files",
		"DOCKER_LOGIN"),
	REFUSED("docker-host", "URL",
		"lazyrun reads from registries, not from a docker daemon",
		"DOCKER_HOST"),
	REFUSED("runscript-timeout", "TIME",
		"put timeout(1) in front: timeout 5m lazyrun run IMAGE",
		"RUNSCRIPT_TIMEOUT"),
	REFUSED("sharens", NULL,
		"start an instance, lazyrun instance start IMAGE NAME, and let "
		"every rank use instance://NAME; or use srun --lazy-image",
		"SHARENS"),
	REFUSED("nvccli", NULL,
		"no nvidia-container-cli is executed: --nv finds the driver, "
		"and under --contain gives the GPUs that "
		"NVIDIA_VISIBLE_DEVICES names",
		"NVCCLI"),
	{ 0 },
};
