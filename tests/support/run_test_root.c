/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/run_test_root.h"

#include "common/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *const applets[] = {
	"awk", "cat",	"cp", "echo",  "env",	"find",	 "grep", "head",
	"id",  "kill",	"ls", "mkdir", "mount", "mv",	 "ps",	 "pwd",
	"rm",  "rmdir", "sh", "sleep", "stat",	"touch", "true", "wc",
};

static const char *const envp[] = { "PATH=/bin", "HOME=/", NULL };

static bool copy_busybox(const char *to)
{
	autoclose int in = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
	autoclose int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	struct stat st;

	if (in < 0 || out < 0 || fstat(in, &st) < 0)
		return false;
	return sendfile(out, in, NULL, (size_t)st.st_size) == st.st_size;
}

static void join(const struct run_test_root *root, const char *name,
		 char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", root->path, name);

	assert(n > 0 && n < PATH_MAX);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void own(const char *path)
{
	if (geteuid() == 0)
		(void)lchown(path, RUN_TEST_USER, RUN_TEST_USER);
}

void run_test_root_remove(const struct run_test_root *root, const char *name)
{
	char path[PATH_MAX];

	join(root, name, path);
	remove_tree(path);
}

void run_test_root_link(const struct run_test_root *root, const char *name,
			const char *target)
{
	char path[PATH_MAX];
	int r;

	join(root, name, path);
	remove_tree(path);
	r = symlink(target, path);
	assert(r == 0);
	own(path);
}

void run_test_root_mkdir(const struct run_test_root *root, const char *name)
{
	char path[PATH_MAX];

	join(root, name, path);
	mkdir(path, 0755);
	own(path);
}

void run_test_root_write(const struct run_test_root *root, const char *name,
			 const char *text)
{
	char path[PATH_MAX];
	autoclose int fd = -1;
	ssize_t n;

	join(root, name, path);
	remove_tree(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert(fd >= 0);
	n = write(fd, text, strlen(text));
	assert(n == (ssize_t)strlen(text));
	own(path);
}

bool run_test_root_create(struct run_test_root *root)
{
	char path[PATH_MAX];

	snprintf(root->top, sizeof(root->top), "/tmp/run-test-XXXXXX");
	if (!mkdtemp(root->top))
		return false;
	chmod(root->top, 0755);
	snprintf(root->path, sizeof(root->path), "%s/root", root->top);
	snprintf(root->outside, sizeof(root->outside), "%s/outside", root->top);
	mkdir(root->path, 0755);
	mkdir(root->outside, 0777);
	chmod(root->outside, 0777);
	own(root->path);
	run_test_root_mkdir(root, "bin");
	run_test_root_mkdir(root, "etc");
	join(root, "bin/busybox", path);
	if (!copy_busybox(path)) {
		run_test_root_destroy(root);
		return false;
	}
	own(path);
	for (size_t i = 0; i < sizeof(applets) / sizeof(*applets); i++) {
		snprintf(path, sizeof(path), "bin/%s", applets[i]);
		run_test_root_link(root, path, "busybox");
	}
	run_test_root_write(root, "etc/passwd", "root:x:0:0::/root:/bin/sh\n");
	run_test_root_write(root, "etc/group", "root:x:0:\n");
	return true;
}

void run_test_root_destroy(struct run_test_root *root)
{
	remove_tree(root->top);
}

void run_test_root_become(uid_t uid)
{
	int r = 0;

	if (geteuid() != uid) {
		r |= setresgid(uid, uid, uid);
		r |= setresuid(uid, uid, uid);
	}
	assert(r == 0);
	/* As after an execve() by that user. */
	prctl(PR_SET_DUMPABLE, 1);
}

static void run_here(const struct run_options *options,
		     const struct run_job *job, struct run_test_result *ret)
{
	struct error err = { .code = 0 };
	struct run *run = NULL;
	int status = 0;

	ret->exit_code = RUN_EXIT_FAILURE;
	ret->code = run_spawn(options, &run, &err);
	if (ret->code == 0)
		ret->code = run_start(run, job, &ret->exit_code, &err);
	if (ret->code == 0)
		ret->code = run_wait(run, &status, &err);
	if (ret->code == 0) {
		ret->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		ret->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	}
	run_destroy(run);
	snprintf(ret->text, sizeof(ret->text), "%s", err.text);
}

static void read_output(int fd, struct run_test_result *ret)
{
	size_t size = 0;
	ssize_t n;

	do {
		n = read(fd, ret->output + size,
			 sizeof(ret->output) - 1 - size);
		size += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	ret->output[size] = '\0';
}

void run_test_root_run(const struct run_test_root *root, uid_t uid,
		       const struct run_options *options,
		       const struct run_job *job, struct run_test_result *ret)
{
	struct run_options with_root =
		options ? *options : (struct run_options){ 0 };
	struct run_test_result *shared;
	int pipe_fds[2];
	pid_t pid;
	int r;

	with_root.root_directory = root->path;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert(shared != MAP_FAILED);
	r = pipe2(pipe_fds, O_CLOEXEC);
	assert(r == 0);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		dup2(pipe_fds[1], STDOUT_FILENO);
		dup2(pipe_fds[1], STDERR_FILENO);
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		run_test_root_become(uid);
		run_here(&with_root, job, shared);
		_exit(0);
	}
	close(pipe_fds[1]);
	read_output(pipe_fds[0], shared);
	close(pipe_fds[0]);
	waitpid(pid, NULL, 0);
	memcpy(ret, shared, sizeof(*ret));
	munmap(shared, sizeof(*shared));
}

void run_test_root_shell(const struct run_test_root *root, uid_t uid,
			 const char *script, struct run_test_result *ret)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct run_job job = {
		.argv = argv,
		.envp = envp,
		.cwd = "/",
		.omitted =
			RUN_STANDARD_TMP | RUN_STANDARD_HOME | RUN_STANDARD_CWD,
	};

	run_test_root_run(root, uid, NULL, &job, ret);
}
