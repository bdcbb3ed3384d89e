/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A SPANK plugin: srun and sbatch --lazy-image=IMAGE.
 *
 * Once a step and node, slurmstepd starts `lazyrun instance start --say-root`
 * as the user (user_init). It mounts the image, makes the root, says the pid of
 * a process in it and the environment of the image, and stays. Every task then
 * enters that process' user and mount namespaces (task_init): one mount and one
 * user namespace for all ranks, so that they may read each other's memory.
 * Descriptors are not touched: PMI's stay open.
 *
 * The instance ends with the step: slurmstepd holds the other end of its
 * standard input, and PR_SET_PDEATHSIG sees to a killed slurmstepd.
 *
 * A failure in user_init would drain the node (slurm 22.05): it is kept, and
 * told by the first task.
 *
 * plugstack.conf: required spank_lazyrun.so [lazyrun=PATH] [timeout=SECONDS]
 *
 * Threads: slurmstepd has several; between fork() and execve() only calls that
 * are safe there.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <slurm/slurm.h>
#include <slurm/spank.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

SPANK_PLUGIN(lazyrun, 1)

enum {
	WORDS_MAX = 256,
	NAME_SIZE = 64,
	TEXT_MAX =
		16 << 20, /* pid and environment; Linux' own bound is 6 MiB */
	ERROR_SIZE = 1024,
	TIMEOUT_S = 1800, /* an image without an index is read first */
	END_TIMEOUT_MS = 5000,
	CAPABILITY_MAX = 63,
};

/* What an option of ours becomes for lazyrun; set by slurm's parser. */
struct passed {
	const char *word;
	char *value; /* NULL for flags, and until given */
	bool is_given;
};

enum {
	IMAGE,
	BIND,
	WORKDIR,
	ENVIRONMENT,
	NV,
	ROCM,
	CONTAIN,
	NO_HOME,
	WRITABLE,
	OPTION_COUNT,
};

static struct passed passed[OPTION_COUNT] = {
	[BIND] = { .word = "--bind" },
	[WORKDIR] = { .word = "--pwd" },
	[ENVIRONMENT] = { .word = "--env" },
	[NV] = { .word = "--nv" },
	[ROCM] = { .word = "--rocm" },
	[CONTAIN] = { .word = "--contain" },
	[NO_HOME] = { .word = "--no-home" },
	[WRITABLE] = { .word = "--writable-tmpfs" },
};

/* Step id of a batch script (slurm.h has it as SLURM_BATCH_SCRIPT): it lies in
 * slurmd's spool, which no image shows. Its srun gets the option instead. */
static const uint32_t batch_step = 0xfffffffb;

static const char *program = LAZYRUN_PROGRAM;
static int timeout_s = TIMEOUT_S;

/* The instance of this step, in slurmstepd. */
static pid_t instance_pid = -1;
static int lifeline_fd = -1;
static int user_fd = -1;
static int mount_fd = -1;
static char failure[ERROR_SIZE]; /* "": none */

static int take_option(int number, const char *value, int remote)
{
	struct passed *option = &passed[number];

	(void)remote;
	option->is_given = true;
	if (!value)
		return ESPANK_SUCCESS;
	free(option->value);
	option->value = *value ? strdup(value) : NULL;
	return option->value ? ESPANK_SUCCESS : ESPANK_BAD_ARG;
}

#define HAS_VALUE 1

static struct spank_option options[] = {
	{ "lazy-image", "IMAGE",
	  "run the tasks in an image, which is loaded as it is read", HAS_VALUE,
	  IMAGE, take_option },
	{ "lazy-bind", "SRC[:DST[:ro]],...", "show host paths inside",
	  HAS_VALUE, BIND, take_option },
	{ "lazy-workdir", "DIR", "working directory inside", HAS_VALUE, WORKDIR,
	  take_option },
	{ "lazy-env", "NAME=VALUE", "set a variable inside", HAS_VALUE,
	  ENVIRONMENT, take_option },
	{ "lazy-nv", NULL, "show the node's NVIDIA driver and GPUs inside", 0,
	  NV, take_option },
	{ "lazy-rocm", NULL, "show the node's AMD GPU libraries inside", 0,
	  ROCM, take_option },
	{ "lazy-contain", NULL, "no host /tmp, home or devices inside", 0,
	  CONTAIN, take_option },
	{ "lazy-no-home", NULL, "do not show the home directory inside", 0,
	  NO_HOME, take_option },
	{ "lazy-writable", NULL, "let tasks write anywhere; lost at the end", 0,
	  WRITABLE, take_option },
	SPANK_OPTIONS_TABLE_END
};

static void take_arguments(int count, char **words)
{
	for (int i = 0; i < count; i++) {
		if (strncmp(words[i], "lazyrun=", 8) == 0)
			program = words[i] + 8;
		else if (strncmp(words[i], "timeout=", 8) == 0)
			timeout_s = (int)strtol(words[i] + 8, NULL, 10);
		else
			slurm_error("lazyrun: plugstack.conf: \"%s\" is not "
				    "known; lazyrun=PATH and timeout=SECONDS "
				    "are",
				    words[i]);
	}
	if (timeout_s <= 0 || timeout_s > INT_MAX / 1000)
		timeout_s = TIMEOUT_S;
}

int slurm_spank_init(spank_t spank, int count, char **words)
{
	spank_context_t context = spank_context();
	spank_err_t r = ESPANK_SUCCESS;

	take_arguments(count, words);
	if (context != S_CTX_LOCAL && context != S_CTX_ALLOCATOR &&
	    context != S_CTX_REMOTE)
		return 0;
	for (int i = 0; options[i].name && r == ESPANK_SUCCESS; i++)
		r = spank_option_register(spank, &options[i]);
	return r == ESPANK_SUCCESS ? 0 : -1;
}

/* Whether the tasks of this step are to run in an image. */
static bool is_wanted(spank_t spank)
{
	uint32_t step = 0;

	return passed[IMAGE].is_given &&
	       spank_get_item(spank, S_JOB_STEPID, &step) == ESPANK_SUCCESS &&
	       step != batch_step;
}

static void fail(const char *what, int code)
{
	char text[128];

	if (failure[0] == '\0')
		snprintf(failure, sizeof(failure), "%s: %s", what,
			 strerror_r(code, text, sizeof(text)));
}

static void format_name(spank_t spank, char ret[NAME_SIZE])
{
	uint32_t job = 0;
	uint32_t step = 0;
	uint32_t node = 0;

	spank_get_item(spank, S_JOB_ID, &job);
	spank_get_item(spank, S_JOB_STEPID, &step);
	spank_get_item(spank, S_JOB_NODEID, &node);
	snprintf(ret, NAME_SIZE, "slurm-%u.%u.%u", job, step, node);
}

static void list_words(const char *name, const char *ret[WORDS_MAX])
{
	int count = 0;

	ret[count++] = "lazyrun";
	ret[count++] = "--quiet";
	ret[count++] = "instance";
	ret[count++] = "start";
	ret[count++] = "--say-root";
	for (int i = BIND; i < OPTION_COUNT; i++) {
		if (!passed[i].is_given)
			continue;
		ret[count++] = passed[i].word;
		if (passed[i].value)
			ret[count++] = passed[i].value;
	}
	ret[count++] = passed[IMAGE].value;
	ret[count++] = name;
	ret[count] = NULL;
}

/* The descriptors of the new process: its 0, 1 and 2. */
struct standard {
	int fds[3];
};

/*
 * job_container/tmpfs gives the job a /tmp of its own, and slurmstepd moves
 * each task into it, but not itself.  Its function for that is no part of
 * SPANK's interface, and changed in 23.11: there an instance sees the node's
 * /tmp.
 */
#if SLURM_VERSION_NUMBER < SLURM_VERSION_NUM(23, 11, 0)
extern int container_g_join(uint32_t job_id, uid_t uid) __attribute__((weak));
#endif

static bool join_container(uint32_t job_id, uid_t uid)
{
#if SLURM_VERSION_NUMBER < SLURM_VERSION_NUM(23, 11, 0)
	char cwd[PATH_MAX];
	bool has_cwd = getcwd(cwd, sizeof(cwd)) != NULL;

	if (container_g_join &&
	    (seteuid(0) < 0 || container_g_join(job_id, uid) != 0))
		return false;
	/* A directory that the job does not have is replaced by "/". */
	if (!has_cwd || chdir(cwd) < 0)
		return chdir("/") == 0;
#else
	(void)job_id;
	(void)uid;
#endif
	return true;
}

__attribute__((noreturn)) static void be_instance(
	uid_t uid, gid_t gid, uint32_t job_id, const struct standard *standard,
	const char *const *words, char **environment, pid_t parent)
{
	sigset_t none;
	int fds[3];

	if (!join_container(job_id, uid))
		_exit(126);
	/* Only the effective ids are the user's here; groups are already. */
	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		_exit(126);
	/* Changed ids clear it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	/* The tasks' signals are not its own: it ends with its input. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < 3; i++) /* out of each other's way */
		fds[i] = fcntl(standard->fds[i], F_DUPFD, 10);
	for (int i = 0; i < 3; i++)
		dup2(fds[i], i);
	syscall(SYS_close_range, 3U, ~0U, 0U);
	execve(program, (char *const *)words, environment);
	dprintf(STDERR_FILENO, "%s cannot be executed: errno %d", program,
		errno);
	_exit(127);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whether the text ends as `--say-root` says. */
static bool is_whole(const char *text, size_t size)
{
	return size >= 2 && text[size - 1] == '\0' && text[size - 2] == '\0';
}

/* pid, NUL, variables, each with NUL, NUL; malloc'ed.  NULL: @fd ended first,
 * or the time is over. */
static char *read_answer(int fd, size_t *ret_size)
{
	int64_t deadline_ms = now_ms() + (int64_t)timeout_s * 1000;
	size_t capacity = 1 << 16;
	char *text = malloc(capacity);
	size_t size = 0;

	while (text && !is_whole(text, size)) {
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };
		int64_t left_ms = deadline_ms - now_ms();
		ssize_t n = -1;

		if (size == capacity && capacity < TEXT_MAX) {
			char *grown = realloc(text, capacity * 2);

			if (!grown)
				break;
			text = grown;
			capacity *= 2;
		}
		if (left_ms > 0 && poll(&pollfd, 1, (int)left_ms) > 0)
			n = read(fd, text + size, capacity - size);
		if (n < 0 && left_ms > 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		size += (size_t)n;
	}
	if (!text || !is_whole(text, size)) {
		free(text);
		return NULL;
	}
	*ret_size = size;
	return text;
}

static const char *find_variable(char *const *environment, const char *name,
				 size_t len)
{
	for (; environment && *environment; environment++)
		if (strncmp(*environment, name, len) == 0 &&
		    (*environment)[len] == '=')
			return *environment + len + 1;
	return NULL;
}

static bool is_in(const char *text, const char *end, const char *name,
		  size_t len)
{
	for (; text < end && *text; text += strlen(text) + 1)
		if (strncmp(text, name, len) == 0 && text[len] == '=')
			return true;
	return false;
}

/* The step's environment becomes what a job of lazyrun's would have. */
static void apply_environment(spank_t spank, char **before, char *text,
			      const char *end)
{
	for (char **e = before; e && *e; e++) {
		size_t len = strcspn(*e, "=");
		char name[256];

		if (len >= sizeof(name) || is_in(text, end, *e, len))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)len, *e);
		spank_unsetenv(spank, name);
	}
	for (; text < end && *text; text += strlen(text) + 1) {
		char *equals = strchr(text, '=');
		const char *old;

		if (!equals)
			continue;
		old = find_variable(before, text, (size_t)(equals - text));
		if (old && strcmp(old, equals + 1) == 0)
			continue;
		*equals = '\0';
		spank_setenv(spank, text, equals + 1, 1);
		*equals = '=';
	}
}

static void open_namespaces(int pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	user_fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	mount_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (user_fd < 0 || mount_fd < 0)
		fail("the image's namespaces cannot be opened", errno);
}

/* What it said before it ended. */
static void take_failure(int error_fd)
{
	ssize_t n = pread(error_fd, failure, sizeof(failure) - 1, 0);

	failure[n > 0 ? n : 0] = '\0';
	while (n > 0 && failure[n - 1] == '\n')
		failure[--n] = '\0';
	if (n <= 0)
		snprintf(failure, sizeof(failure),
			 "the image was not ready within %d s", timeout_s);
}

static int copy_list(char **list, char ***ret)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	*ret = calloc(count + 1, sizeof(**ret));
	for (size_t i = 0; *ret && i < count; i++)
		(*ret)[i] = strdup(list[i]);
	return *ret ? 0 : -1;
}

static void free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static void start_instance(spank_t spank, uid_t uid, gid_t gid, uint32_t job_id,
			   char **environment)
{
	const char *words[WORDS_MAX];
	char name[NAME_SIZE];
	pid_t self = getpid();
	int input[2] = { -1, -1 };
	int output[2] = { -1, -1 };
	int error_fd = memfd_create("lazyrun", MFD_CLOEXEC);
	size_t size = 0;
	char *text;

	format_name(spank, name);
	list_words(name, words);
	if (error_fd < 0 || pipe2(input, O_CLOEXEC) < 0 ||
	    pipe2(output, O_CLOEXEC) < 0) {
		fail("no pipe for lazyrun", errno);
		return;
	}
	instance_pid = fork();
	if (instance_pid == 0)
		be_instance(
			uid, gid, job_id,
			&(struct standard){ { input[0], output[1], error_fd } },
			words, environment, self);
	close(input[0]);
	close(output[1]);
	lifeline_fd = input[1];
	text = instance_pid < 0 ? NULL : read_answer(output[0], &size);
	if (!text) {
		take_failure(error_fd);
	} else {
		char *variables = text + strlen(text) + 1;

		open_namespaces((int)strtol(text, NULL, 10));
		apply_environment(spank, environment, variables, text + size);
	}
	free(text);
	close(output[0]);
	close(error_fd);
}

int slurm_spank_user_init(spank_t spank, int count, char **words)
{
	char **shared = NULL;
	char **environment = NULL;
	uint32_t job_id = 0;
	uid_t uid;
	gid_t gid;

	(void)count;
	(void)words;
	if (!is_wanted(spank))
		return 0;
	if (spank_get_item(spank, S_JOB_UID, &uid) != ESPANK_SUCCESS ||
	    spank_get_item(spank, S_JOB_GID, &gid) != ESPANK_SUCCESS ||
	    spank_get_item(spank, S_JOB_ID, &job_id) != ESPANK_SUCCESS ||
	    spank_get_item(spank, S_JOB_ENV, &shared) != ESPANK_SUCCESS ||
	    copy_list(shared, &environment) < 0)
		fail("slurm does not tell about the job", ENOMEM);
	else
		start_instance(spank, uid, gid, job_id, environment);
	free_list(environment);
	return 0;
}

/* Entering a user namespace gives every capability in it. */
static int drop_power(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	for (unsigned long i = 0; i <= CAPABILITY_MAX; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno != EINVAL)
			return -errno;
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

/* srun looks a command up on the submitting host; one that the image has
 * elsewhere is looked up again there. */
static void find_command(spank_t spank)
{
	char **words = NULL;
	const char *name;
	char *copy;
	int count = 0;

	if (spank_get_item(spank, S_JOB_ARGV, &count, &words) !=
		    ESPANK_SUCCESS ||
	    count < 1 || words[0][0] != '/' || access(words[0], F_OK) == 0)
		return;
	name = strrchr(words[0], '/') + 1;
	copy = strdup(name);
	if (copy)
		words[0] = copy; /* slurmstepd searches PATH next */
}

static int enter(char *cwd)
{
	const char *wanted = passed[WORKDIR].value;

	if (setns(user_fd, CLONE_NEWUSER) < 0 ||
	    setns(mount_fd, CLONE_NEWNS) < 0)
		return -errno;
	if (wanted && chdir(wanted) < 0)
		return -errno;
	if (!wanted && chdir(cwd) < 0 && chdir("/") < 0)
		return -errno;
	return drop_power();
}

int slurm_spank_task_init(spank_t spank, int count, char **words)
{
	char cwd[PATH_MAX];
	char text[128];
	int r;

	(void)count;
	(void)words;
	if (!is_wanted(spank))
		return 0;
	if (failure[0] != '\0') {
		uint32_t task = 0;

		spank_get_item(spank, S_TASK_ID, &task);
		if (task == 0)
			slurm_error("lazyrun: %s: %s", passed[IMAGE].value,
				    failure);
		return -1;
	}
	if (!getcwd(cwd, sizeof(cwd)))
		cwd[0] = '\0';
	r = enter(cwd);
	if (r < 0) {
		slurm_error("lazyrun: the image cannot be entered: %s",
			    strerror_r(-r, text, sizeof(text)));
		return -1;
	}
	find_command(spank);
	return 0;
}

int slurm_spank_exit(spank_t spank, int count, char **words)
{
	int64_t deadline_ms = now_ms() + END_TIMEOUT_MS;
	const struct timespec pause = { .tv_nsec = 5000000 };

	(void)spank;
	(void)count;
	(void)words;
	if (spank_context() != S_CTX_REMOTE || instance_pid <= 0)
		return 0;
	close(lifeline_fd);
	while (waitpid(instance_pid, NULL, WNOHANG) == 0) {
		if (now_ms() > deadline_ms)
			kill(instance_pid, SIGKILL);
		nanosleep(&pause, NULL);
	}
	instance_pid = -1;
	return 0;
}
