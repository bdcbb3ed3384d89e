/* SPDX-License-Identifier: Apache-2.0 */
/* A job in the root of another one; tests/integration/15-instances.sh joins
 * mounted images. */
#include "run/run.h"
#include "run/run_guard.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "tests/support/run_test_root.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WAIT_MS = 20000, /* for what happens at once */
};

static const char *const envp[] = { "PATH=/bin", NULL };
static struct run_test_root root;
static int output_fd; /* of all jobs */
static char output[RUN_TEST_OUTPUT_SIZE];

/* What all jobs have written so far. */
static const char *load_output(void)
{
	ssize_t n = pread(output_fd, output, sizeof(output) - 1, 0);

	output[n < 0 ? 0 : n] = '\0';
	return output;
}

static void set_up(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root, to become several users");
	if (!run_test_root_create(&root))
		cr_skip_test("no static /bin/busybox");
	output_fd = memfd_create("output", 0);
	/* two processes that write share one position, without a lock */
	cr_assert_eq(fcntl(output_fd, F_SETFL, O_APPEND), 0);
}

static void tear_down(void)
{
	close(output_fd);
	run_test_root_destroy(&root);
}

TestSuite(run_join, .init = set_up, .fini = tear_down, .timeout = 60);

/* A root without a command, as an instance has. */
static struct run *keep(bool use_pid_namespace)
{
	static const char *const none[] = { NULL };
	const struct run_options options = {
		.use_pid_namespace = use_pid_namespace,
		.root_directory = root.path,
	};
	const struct run_job job = { .argv = none, .envp = none };
	struct run *run = NULL;
	struct error err;
	int exit_code;

	if (run_spawn(&options, &run, &err) < 0 ||
	    run_start(run, &job, &exit_code, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		_exit(99);
	}
	return run;
}

static int start(struct run *run, const struct run_target *target,
		 const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const struct run_job job = { .argv = argv, .envp = envp };
	int exit_code = 0;
	struct error err;

	if (run_join(run, target, &err) < 0 ||
	    run_start(run, &job, &exit_code, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	return 0;
}

static struct run *spawn_undecided(void)
{
	const struct run_options options = { .is_undecided = true };
	struct run *run = NULL;

	if (run_spawn(&options, &run, NULL) < 0)
		_exit(98);
	return run;
}

/* The status of @script, joined to a kept root; in a process of its own. */
static int join_as(uid_t uid, bool use_pid_namespace, const char *script)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct run_target target = {
			.kind = RUN_JOIN_ROOT,
			.has_pid_namespace = use_pid_namespace,
		};
		struct run *kept;
		struct run *run;

		run_test_root_become(uid);
		dup2(output_fd, STDOUT_FILENO);
		run = spawn_undecided();
		kept = keep(use_pid_namespace);
		target.fd = run_open_root(kept);
		if (target.fd < 0 || start(run, &target, script) < 0 ||
		    run_wait(run, &status, NULL) < 0)
			_exit(97);
		run_wait_rest(run);
		run_destroy(run);
		run_destroy(kept);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status)
					: 128 + WTERMSIG(status));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(run_join, shares_the_root_and_its_namespaces)
{
	const char *script =
		"for n in user mnt pid; do "
		"[ \"$(stat -Lc %i /proc/self/ns/$n)\" = "
		"\"$(stat -Lc %i /proc/1/ns/$n)\" ] || echo $n differs; done; "
		"ls /bin/busybox; grep -c . /proc/self/uid_map";

	cr_expect_eq(join_as(RUN_TEST_USER, true, script), 0);
	cr_expect_str_eq(load_output(), "/bin/busybox\n1\n");
}

Test(run_join, passes_the_status_on)
{
	cr_expect_eq(join_as(RUN_TEST_USER, false, "exit 37"), 37);
	cr_expect_eq(join_as(RUN_TEST_USER, true, "exit 38"), 38);
	cr_expect_eq(join_as(RUN_TEST_USER, true, "kill -9 $$"), 128 + 9);
	cr_expect_eq(join_as(0, true, "exit 39"), 39);
}

Test(run_join, has_no_power)
{
	cr_expect_eq(join_as(RUN_TEST_USER, true,
			     "grep -E 'Cap(Eff|Prm|Bnd)|NoNew' "
			     "/proc/self/status"),
		     0);
	cr_expect_str_eq(load_output(), "CapPrm:\t0000000000000000\n"
					"CapEff:\t0000000000000000\n"
					"CapBnd:\t0000000000000000\n"
					"NoNewPrivs:\t1\n");
}

/* The number that a job writes after @name, or -1. */
static int await_number(char name)
{
	const char *line;
	int number = -1;

	for (int i = 0; i < WAIT_MS; i++) {
		line = strchr(load_output(), name);
		if (line && strchr(line, '\n'))
			return sscanf(line + 1, "%d", &number) == 1 ? number
								    : -1;
		usleep(1000);
	}
	return -1;
}

static bool ends(int pid_fd)
{
	struct pollfd pollfd = { .fd = pid_fd, .events = POLLIN };

	return poll(&pollfd, 1, WAIT_MS) > 0;
}

/* It writes to @ready_fd when the job is started and its guard knows it. */
static pid_t start_caller(int root_fd, const char *script, int ready_fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		const struct run_target target = {
			.kind = RUN_JOIN_ROOT,
			.fd = root_fd,
		};
		struct run *run = spawn_undecided();
		int status;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (start(run, &target, script) == 0 &&
		    write(ready_fd, "x", 1) == 1)
			(void)run_wait(run, &status, NULL);
		_exit(0);
	}
	return pid;
}

/* Two callers in one root; the first is killed when told so on @told_fd. */
static pid_t start_two_callers(int ready_fd, int told_fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		pid_t killed;
		int root_fd;
		char byte;

		run_test_root_become(RUN_TEST_USER);
		dup2(output_fd, STDOUT_FILENO);
		root_fd = run_open_root(keep(false));
		killed = start_caller(root_fd, "sleep 1000 & echo A $!; wait",
				      ready_fd);
		start_caller(root_fd, "sleep 1000 & echo B $!; wait", ready_fd);
		(void)!read(told_fd, &byte, 1);
		kill(killed, SIGKILL);
		pause();
	}
	return pid;
}

static bool await_byte(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&pollfd, 1, WAIT_MS) > 0 && read(fd, &byte, 1) == 1;
}

Test(run_join, a_killed_caller_takes_only_its_own_job)
{
	int ready[2];
	int told[2];
	int first_fd;
	int second;
	pid_t keeper;

	cr_assert(pipe(ready) == 0 && pipe(told) == 0);
	keeper = start_two_callers(ready[1], told[0]);
	first_fd = pidfd_open(await_number('A'), 0);
	second = await_number('B');
	cr_assert(first_fd >= 0 && second > 0);
	cr_assert(await_byte(ready[0]) && await_byte(ready[0]));
	cr_assert_eq(write(told[1], "x", 1), 1);
	cr_expect(ends(first_fd));
	cr_expect_eq(kill(second, 0), 0, "the other job goes on");
	kill(keeper, SIGKILL);
	kill(second, SIGKILL);
	waitpid(keeper, NULL, 0);
	close(first_fd);
}

static int say_lost(void *arg)
{
	(void)arg;
	return -1;
}

static int say_term(void *arg)
{
	char byte;

	(void)!read(*(int *)arg, &byte, 1);
	return SIGTERM;
}

/* How a job ends that is watched by @happened, whose descriptor is readable. */
static int watch(run_watch_fn *happened)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct run_target target = { .kind = RUN_JOIN_ROOT };
		struct run *run;
		int fds[2];

		run_test_root_become(RUN_TEST_USER);
		run = spawn_undecided();
		target.fd = run_open_root(keep(false));
		if (pipe(fds) < 0 || write(fds[1], "x", 1) != 1 ||
		    start(run, &target, "sleep 1000") < 0)
			_exit(97);
		run_watch(run, &(struct run_watch){
				       .fd = fds[0],
				       .happened = happened,
				       .arg = &fds[0],
			       });
		if (run_wait(run, &status, NULL) < 0)
			_exit(96);
		run_destroy(run);
		_exit(WIFSIGNALED(status) ? WTERMSIG(status) : 95);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(run_join, a_watch_signals_the_job)
{
	cr_expect_eq(watch(say_term), SIGTERM);
}

Test(run_join, a_job_that_lost_its_root_is_killed)
{
	cr_expect_eq(watch(say_lost), SIGKILL);
}

static void keep_mark(void *arg, int mark_fd)
{
	*(int *)arg = dup(mark_fd);
}

static unsigned count_children(void)
{
	FILE *file = fopen("/proc/thread-self/children", "r");
	unsigned count = 0;
	int pid;

	while (file && fscanf(file, "%d", &pid) == 1)
		count++;
	if (file)
		fclose(file);
	return count;
}

Test(run_join, who_guards_a_job_can_kill_all_of_it)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct run_target target = { .kind = RUN_JOIN_ROOT };
		int mark_fd = -1;
		const struct run_watch watch = {
			.fd = -1,
			.mark = keep_mark,
			.arg = &mark_fd,
		};
		unsigned before;
		struct run *run;
		int left;

		run_test_root_become(RUN_TEST_USER);
		dup2(output_fd, STDOUT_FILENO);
		target.fd = run_open_root(keep(false));
		before = count_children();
		run = spawn_undecided();
		run_watch(run, &watch);
		if (start(run, &target, "sleep 1000 & echo C $!; wait") < 0 ||
		    mark_fd < 0)
			_exit(97);
		if (count_children() != before + 1)
			_exit(96);
		left = await_number('C');
		if (left < 0)
			_exit(95);
		run_guard_kill(mark_fd);
		if (run_wait(run, &status, NULL) < 0 || !WIFSIGNALED(status))
			_exit(94);
		for (int i = 0; i < WAIT_MS && kill(left, 0) == 0; i++)
			usleep(1000);
		_exit(kill(left, 0) == 0 ? 93 : 0);
	}
	waitpid(pid, &status, 0);
	cr_expect_eq(WEXITSTATUS(status), 0, "status 0x%x", status);
}

Test(run_join, who_is_marked_kills_nothing)
{
	int mark_fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	int status = -1;
	pid_t pid;

	cr_assert_geq(mark_fd, 0);
	pid = fork();
	if (pid == 0) {
		run_guard_kill(mark_fd);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	cr_expect_eq(status, 0);
	close(mark_fd);
}

Test(run_join, what_has_ended_is_not_joined)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct run_target target = { .kind = RUN_JOIN_ROOT };
		const char *const argv[] = { "true", NULL };
		const struct run_job job = { .argv = argv, .envp = envp };
		struct error err = { 0 };
		struct run *kept;
		struct run *run;
		int exit_code;
		int r;

		run_test_root_become(RUN_TEST_USER);
		kept = keep(true);
		run = spawn_undecided();
		target.fd = run_open_root(kept);
		run_destroy(kept);
		r = run_join(run, &target, &err);
		if (r == 0)
			r = run_start(run, &job, &exit_code, &err);
		run_destroy(run);
		_exit(r == -ESRCH && strstr(err.text, "has ended") ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	cr_expect_eq(status, 0);
}
