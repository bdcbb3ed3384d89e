/* SPDX-License-Identifier: Apache-2.0 */
/* Processes: signals, ends, namespaces, and what forbids them. */
#include "run/run.h"

#include "common/cleanup.h"
#include "tests/support/run_test_root.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WAIT_MS = 20000, /* for what happens at once */
};

static struct run_test_root root;
static struct run_test_result result;

static void set_up(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root, to become several users");
	if (!run_test_root_create(&root))
		cr_skip_test("no static /bin/busybox");
	/* nohup(1) has it ignored, and so would all jobs */
	signal(SIGHUP, SIG_DFL);
}

static void tear_down(void)
{
	run_test_root_destroy(&root);
}

TestSuite(run_process, .init = set_up, .fini = tear_down, .timeout = 60);

static const char *const envp[] = { "PATH=/bin", NULL };

/* A caller in the background, whose job's output can be read. */
struct caller {
	pid_t pid;
	int output;
};

static void be_caller(uid_t uid, const struct run_options *options,
		      const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct run_options with_root = *options;
	struct run_job job = { .argv = argv, .envp = envp };
	struct run *run = NULL;
	int exit_code = RUN_EXIT_FAILURE;
	int status;

	with_root.root_directory = root.path;
	run_test_root_become(uid);
	if (run_spawn(&with_root, &run, NULL) < 0 ||
	    run_start(run, &job, &exit_code, NULL) < 0)
		_exit(exit_code);
	if (run_wait(run, &status, NULL) < 0)
		_exit(RUN_EXIT_FAILURE);
	run_destroy(run);
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				  : WEXITSTATUS(status));
}

static struct caller start_caller(uid_t uid, bool use_pid_namespace,
				  const char *script)
{
	struct run_options options = { .use_pid_namespace = use_pid_namespace };
	struct caller caller;
	int fds[2];

	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	caller.pid = fork();
	cr_assert_geq(caller.pid, 0);
	if (caller.pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		be_caller(uid, &options, script);
	}
	close(fds[1]);
	caller.output = fds[0];
	return caller;
}

/* The next bytes of the output; "" at its end. */
static const char *next_output(const struct caller *caller)
{
	static char text[256];
	struct pollfd pollfd = { .fd = caller->output, .events = POLLIN };
	ssize_t n;

	cr_assert_eq(poll(&pollfd, 1, WAIT_MS), 1, "no output");
	n = read(caller->output, text, sizeof(text) - 1);
	cr_assert_geq(n, 0);
	text[n] = '\0';
	return text;
}

static int end_caller(struct caller *caller)
{
	int status;

	cr_assert_eq(waitpid(caller->pid, &status, 0), caller->pid);
	close(caller->output);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static const struct {
	uid_t uid;
	bool use_pid_namespace;
} kinds[] = {
	{ RUN_TEST_USER, false },
	{ RUN_TEST_USER, true },
	{ 0, false },
	{ 0, true },
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(*kinds) };

Test(run_process, passes_signals_on)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		struct caller caller = start_caller(
			kinds[i].uid, kinds[i].use_pid_namespace,
			"trap 'echo usr1' USR1; trap 'echo term; exit 9' TERM; "
			"echo ready; while :; do sleep 0.05; done");

		cr_assert_str_eq(next_output(&caller), "ready\n");
		kill(caller.pid, SIGUSR1);
		cr_expect_str_eq(next_output(&caller), "usr1\n");
		kill(caller.pid, SIGTERM);
		cr_expect_str_eq(next_output(&caller), "term\n");
		cr_expect_eq(end_caller(&caller), 9);
	}
}

Test(run_process, a_signal_can_end_the_job)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		struct caller caller =
			start_caller(kinds[i].uid, kinds[i].use_pid_namespace,
				     "echo ready; exec sleep 1000");

		cr_assert_str_eq(next_output(&caller), "ready\n");
		kill(caller.pid, SIGHUP);
		cr_expect_eq(end_caller(&caller), 128 + SIGHUP);
	}
}

Test(run_process, the_job_and_its_children_die_with_the_caller)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		/* Without a pid namespace, children of the job's are its own
		 * affair. */
		struct caller caller = start_caller(
			kinds[i].uid, kinds[i].use_pid_namespace,
			kinds[i].use_pid_namespace
				? "sleep 1000 & echo ready; sleep 1000"
				: "echo ready; exec sleep 1000");

		cr_assert_str_eq(next_output(&caller), "ready\n");
		kill(caller.pid, SIGKILL);
		cr_expect_str_eq(next_output(&caller), "");
		cr_expect_eq(end_caller(&caller), -SIGKILL);
	}
}

/* Numbers of namespaces are used again at once. */
Test(run_process, a_killed_callers_guard_harms_no_later_job)
{
	for (size_t i = 0; i < 10 * KIND_COUNT; i++) {
		const size_t kind = i % KIND_COUNT;
		struct caller killed = start_caller(
			kinds[kind].uid, false, "echo ready; exec sleep 1000");
		struct caller later;

		cr_assert_str_eq(next_output(&killed), "ready\n");
		kill(killed.pid, SIGKILL);
		later = start_caller(kinds[kind].uid, false,
				     "sleep 0.01; echo ready; exit 3");
		cr_expect_eq(end_caller(&killed), -SIGKILL);
		cr_expect_str_eq(next_output(&later), "ready\n");
		cr_expect_eq(end_caller(&later), 3);
	}
}

Test(run_process, the_runner_dies_with_its_caller)
{
	struct run_options options = { .root_directory = root.path };
	struct pollfd pollfd = { .events = POLLIN };
	int fds[2];
	pid_t pid;

	cr_assert_eq(pipe(fds), 0); /* the runner inherits it */
	pid = fork();
	if (pid == 0) {
		struct run *run = NULL;

		run_test_root_become(RUN_TEST_USER);
		close(fds[0]);
		if (run_spawn(&options, &run, NULL) == 0)
			kill(getpid(), SIGKILL);
		_exit(0);
	}
	close(fds[1]);
	pollfd.fd = fds[0];
	cr_expect_eq(poll(&pollfd, 1, WAIT_MS), 1);
	cr_expect(pollfd.revents & POLLHUP);
	waitpid(pid, NULL, 0);
	close(fds[0]);
}

Test(run_process, background_processes_keep_their_root)
{
	struct caller caller =
		start_caller(RUN_TEST_USER, false,
			     "(sleep 0.3; exec cat /etc/group) & exit 4");

	cr_expect_eq(waitpid(caller.pid, NULL, 0), caller.pid);
	/* What cat finds, it finds long after its caller's end. */
	cr_expect_str_eq(next_output(&caller), "root:x:0:\nuser:x:5907:user\n");
	cr_expect_str_eq(next_output(&caller), "");
	close(caller.output);
}

Test(run_process, a_pid_namespace_ends_with_its_job)
{
	for (size_t i = 1; i < KIND_COUNT; i += 2) {
		struct caller caller =
			start_caller(kinds[i].uid, true,
				     "sleep 1000 & echo $$; "
				     "cat /proc/1/comm > /dev/null && exit 6");

		cr_expect_str_eq(next_output(&caller), "2\n");
		cr_expect_str_eq(next_output(&caller), "");
		cr_expect_eq(end_caller(&caller), 6);
	}
}

Test(run_process, process_1_reaps)
{
	struct caller caller = start_caller(
		RUN_TEST_USER, true,
		"for i in 1 2 3 4 5; do (true & true); done; sleep 0.2; "
		"ps -o stat | grep -c Z; exit 0");

	cr_expect_str_eq(next_output(&caller), "0\n");
	cr_expect_eq(end_caller(&caller), 0);
}

/* As condor_ssh_to_job finds it: the one with the lowest number. */
static pid_t first_child_of(pid_t pid)
{
	char path[64];
	char text[64] = "";
	autoclose int fd = -1;
	int first = 0;
	int other = INT_MAX;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_gt(read(fd, text, sizeof(text) - 1), 0);
	cr_assert_geq(sscanf(text, "%d %d", &first, &other), 1, "%s", text);
	return first < other ? first : other;
}

/* Not of one that has ended: a zombie is in none. */
static bool has_pid_namespace(pid_t pid)
{
	char path[64];
	struct stat own;
	struct stat other;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	return stat("/proc/self/ns/pid", &own) == 0 &&
	       stat(path, &other) == 0 && own.st_ino != other.st_ino;
}

/* The runner of a job with a pid namespace ends while that one starts. */
static pid_t first_in_pid_namespace_of(pid_t pid)
{
	pid_t first = first_child_of(pid);

	for (int i = 0; i < 500 && !has_pid_namespace(first); i++) {
		usleep(10000);
		first = first_child_of(pid);
	}
	return first;
}

static int enter(pid_t pid, const char *name, int kind)
{
	char path[64];
	autoclose int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return setns(fd, kind) < 0 ? -errno : 0;
}

Test(run_process, its_user_can_enter_its_namespaces)
{
	for (size_t i = 0; i < 2; i++) {
		struct caller caller =
			start_caller(RUN_TEST_USER, kinds[i].use_pid_namespace,
				     "echo ready; exec sleep 1000");
		int status;
		pid_t job;
		pid_t pid;

		cr_assert_str_eq(next_output(&caller), "ready\n");
		job = kinds[i].use_pid_namespace
			      ? first_in_pid_namespace_of(caller.pid)
			      : first_child_of(caller.pid);
		pid = fork();
		if (pid == 0) {
			run_test_root_become(RUN_TEST_USER);
			if (enter(job, "user", CLONE_NEWUSER) < 0)
				_exit(1);
			if (kinds[i].use_pid_namespace &&
			    enter(job, "pid", CLONE_NEWPID) < 0)
				_exit(2);
			if (enter(job, "mnt", CLONE_NEWNS) < 0)
				_exit(3);
			_exit(access("/bin/busybox", X_OK) == 0 &&
					      access("/usr", F_OK) < 0
				      ? 0
				      : 4);
		}
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_expect_eq(WEXITSTATUS(status), 0, "step %d",
			     WEXITSTATUS(status));
		kill(caller.pid, SIGTERM);
		end_caller(&caller);
	}
}

Test(run_process, an_ignored_sigchld_loses_no_status)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGCHLD, &ignore, NULL);
	for (size_t i = 0; i < KIND_COUNT; i++) {
		struct caller caller =
			start_caller(kinds[i].uid, kinds[i].use_pid_namespace,
				     "echo x; exit 8");

		signal(SIGCHLD, SIG_DFL);
		cr_expect_str_eq(next_output(&caller), "x\n");
		cr_expect_eq(end_caller(&caller), 8);
		sigaction(SIGCHLD, &ignore, NULL);
	}
}

static void read_signals(char *ret, size_t size)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];

	*ret = '\0';
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, "SigBlk", 6) == 0 ||
		    strncmp(line, "SigIgn", 6) == 0)
			strncat(ret, line, size - strlen(ret) - 1);
	fclose(file);
}

Test(run_process, signals_are_as_the_caller_had_them)
{
	static const char *const argv[] = { "grep", "-E", "Sig(Blk|Ign)",
					    "/proc/self/status", NULL };
	struct run_job job = { .argv = argv, .envp = envp };
	char expected[256];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	read_signals(expected, sizeof(expected));
	run_test_root_run(&root, RUN_TEST_USER, NULL, &job, &result);
	cr_expect_str_eq(result.output, expected);
}

/* What changes the process for good runs in one of its own, without threads:
 * 0, or the step that failed. */
static void expect_zero(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(body());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status));
	cr_expect_eq(WEXITSTATUS(status), 0, "step %d", WEXITSTATUS(status));
}

static bool write_text(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 &&
	       write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* The limit of a user namespace of our own: the machine's stays. */
static int run_without_namespaces(void)
{
	if (unshare(CLONE_NEWUSER) < 0 ||
	    !write_text("/proc/self/setgroups", "deny") ||
	    !write_text("/proc/self/uid_map", "0 0 1\n") ||
	    !write_text("/proc/self/gid_map", "0 0 1\n"))
		return 1;
	if (!write_text("/proc/sys/user/max_user_namespaces", "0\n"))
		return 2;
	run_test_root_shell(&root, 0, "true", &result);
	if (result.code != -ENOSPC)
		return 3;
	if (result.exit_code != RUN_EXIT_FAILURE)
		return 4;
	return strstr(result.text, "user.max_user_namespaces=0") ? 0 : 5;
}

Test(run_process, says_when_user_namespaces_are_switched_off)
{
	expect_zero(run_without_namespaces);
}

static bool leave_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static int run_in_chroot(void)
{
	char path[128];

	run_test_root_mkdir(&root, "proc");
	snprintf(path, sizeof(path), "%s/proc", root.path);
	if (!leave_mounts() ||
	    mount("/proc", path, NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    chroot(root.path) < 0 || chdir("/") < 0)
		return 1;
	run_test_root_shell(&root, RUN_TEST_USER, "true", &result);
	if (result.code != -EPERM)
		return 2;
	return strstr(result.text, "this is a chroot") ? 0 : 3;
}

Test(run_process, says_that_a_chroot_is_the_reason)
{
	expect_zero(run_in_chroot);
}

static int spawn_for_fuse(int code, const char *words)
{
	struct run_options options = { 0 };
	struct run *run = NULL;
	struct error err;

	run_test_root_become(RUN_TEST_USER);
	if (run_spawn(&options, &run, &err) != code)
		return 2;
	return strstr(err.text, words) ? 0 : 3;
}

static int spawn_without_device(void)
{
	if (!leave_mounts() || mount("none", "/dev", "tmpfs", 0, NULL) < 0)
		return 1;
	return spawn_for_fuse(-ENODEV, "there is no /dev/fuse");
}

Test(run_process, says_when_the_fuse_device_is_missing)
{
	expect_zero(spawn_without_device);
}

static int spawn_with_closed_device(void)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/etc/group", root.path);
	if (chown(file, 0, 0) < 0 || chmod(file, 0) < 0 || !leave_mounts() ||
	    mount(file, "/dev/fuse", NULL, MS_BIND, NULL) < 0)
		return 1;
	return spawn_for_fuse(-EACCES, "chmod 666 /dev/fuse");
}

Test(run_process, says_when_the_fuse_device_is_closed)
{
	if (access("/dev/fuse", F_OK) < 0)
		cr_skip_test("no /dev/fuse");
	expect_zero(spawn_with_closed_device);
}

Test(run_process, an_unused_runner_leaves_nothing)
{
	struct run_options options = { .root_directory = root.path };
	struct run *run = NULL;
	struct error err;

	cr_assert_eq(run_spawn(&options, &run, &err), 0, "%s", err.text);
	cr_expect_eq(run_take_fuse_fd(run), -1);
	cr_expect_not(run_maps_ids(run));
	run_destroy(run);
	cr_expect_eq(waitpid(-1, NULL, 0), -1);
	cr_expect_eq(errno, ECHILD);
	run_destroy(NULL);
}
