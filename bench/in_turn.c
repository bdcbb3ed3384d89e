/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times commands in turn, so that what disturbs the machine disturbs all alike;
 * each round in another order (the same in every run), since what one leaves to
 * be done behind it (mounts that go) is done beside the next.
 *
 * usage: in_turn [-n ROUNDS] [-u UID:GID] LABEL[@PID[:UID:GID]] COMMAND...
 *                [--- LABEL COMMAND...] ...
 *
 * -u: run as this user. @PID: in the mount namespace of that process, as its
 * own UID. Time counts from before fork() until waitpid(). What the commands
 * print is discarded, but for standard error in a first round that does not
 * count; one that fails is an error. Prints label, minimum, median in ms.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MAX = 32, ROUNDS_MAX = 10000 };

struct command {
	const char *label;
	char **words;
	int mount_fd; /* of another namespace; -1: ours */
	unsigned uid;
	unsigned gid;
	double *ms;
};

static struct command commands[COMMANDS_MAX];
static int command_count;
static unsigned uid;
static unsigned gid;
static bool has_user;

static void be_command(const struct command *command, bool is_counted)
{
	int fd = open("/dev/null", O_RDWR);

	if (command->mount_fd >= 0 && setns(command->mount_fd, CLONE_NEWNS) < 0)
		_exit(120);
	if (has_user &&
	    (setgroups(0, NULL) < 0 ||
	     setresgid(command->gid, command->gid, command->gid) < 0 ||
	     setresuid(command->uid, command->uid, command->uid) < 0))
		_exit(121);
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	if (is_counted)
		dup2(fd, STDERR_FILENO);
	if (chdir("/tmp") < 0)
		_exit(122);
	execvp(command->words[0], command->words);
	_exit(123);
}

static double time_once(const struct command *command, bool is_counted)
{
	struct timespec from;
	struct timespec to;
	int status = 0;
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &from);
	pid = fork();
	if (pid == 0)
		be_command(command, is_counted);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(1, "%s", command->label);
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		errx(1, "%s: status 0x%x", command->label, status);
	return (double)(to.tv_sec - from.tv_sec) * 1e3 +
	       (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return (difference > 0) - (difference < 0);
}

static void take_command(char **words)
{
	struct command *command = &commands[command_count++];
	char *at = strchr(words[0], '@');
	char path[64];
	int pid;

	command->label = words[0];
	command->words = words + 1;
	command->mount_fd = -1;
	command->uid = uid;
	command->gid = gid;
	if (!at)
		return;
	*at = '\0';
	if (sscanf(at + 1, "%d:%u:%u", &pid, &command->uid, &command->gid) < 1)
		errx(2, "%s: no pid", words[0]);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	command->mount_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (command->mount_fd < 0)
		err(1, "%s", path);
}

static void take_commands(char **words)
{
	char **start = words;

	for (; *words; words++) {
		if (strcmp(*words, "---") != 0)
			continue;
		*words = NULL;
		if (start[0] && start[1] && command_count < COMMANDS_MAX)
			take_command(start);
		start = words + 1;
	}
	if (start[0] && start[1] && command_count < COMMANDS_MAX)
		take_command(start);
}

/* Knuth's shuffle, with xorshift's numbers. */
static void shuffle(int *order, int count)
{
	static uint32_t state = 2463534242U;

	for (int i = count - 1; i > 0; i--) {
		int other;
		int kept = order[i];

		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		other = (int)(state % (uint32_t)(i + 1));
		order[i] = order[other];
		order[other] = kept;
	}
}

int main(int argc, char **argv)
{
	int order[COMMANDS_MAX];
	int rounds = 40;
	int option;

	while ((option = getopt(argc, argv, "+n:u:")) != -1) {
		if (option == 'n') {
			rounds = (int)strtol(optarg, NULL, 10);
		} else if (option == 'u') {
			has_user = sscanf(optarg, "%u:%u", &uid, &gid) == 2;
		} else {
			return 2;
		}
	}
	take_commands(argv + optind);
	if (command_count == 0 || rounds < 1 || rounds > ROUNDS_MAX)
		errx(2, "no commands, or no such number of rounds");
	for (int i = 0; i < command_count; i++) {
		commands[i].ms = calloc((size_t)rounds, sizeof(double));
		if (!commands[i].ms)
			errx(1, "out of memory");
		(void)time_once(&commands[i], false);
		order[i] = i;
	}
	for (int round = 0; round < rounds; round++) {
		shuffle(order, command_count);
		for (int i = 0; i < command_count; i++) {
			struct command *command = &commands[order[i]];

			command->ms[round] = time_once(command, true);
		}
	}
	for (int i = 0; i < command_count; i++) {
		qsort(commands[i].ms, (size_t)rounds, sizeof(double), compare);
		printf("%-28s %8.2f %8.2f\n", commands[i].label,
		       commands[i].ms[0], commands[i].ms[rounds / 2]);
	}
	return 0;
}
