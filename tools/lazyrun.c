/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lazyrun: the command.  Finds the subcommand, fills its options from files,
 * environment and command line, runs it, prints its error, chooses the exit
 * status.
 */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "tools/command.h"
#include "tools/config.h"
#include "tools/option.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command *const commands[] = {
	&cmd_exec,  &cmd_run,	  &cmd_shell,  &cmd_mount,   &cmd_umount,
	&cmd_index, &cmd_pull,	  &cmd_verify, &cmd_inspect, &cmd_ls,
	&cmd_cat,   &cmd_profile, &cmd_cache,  &cmd_serve,   &cmd_doctor,
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_overview(FILE *out)
{
	fprintf(out, "usage: lazyrun [OPTION...] COMMAND [...]\n\n"
		     "Run a command inside a container image without "
		     "downloading the image.\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-9s %s\n", commands[i]->name,
			commands[i]->summary);
	fprintf(out, "\n`lazyrun COMMAND --help` tells more; so does "
		     "lazyrun(1).\n");
}

static void print_help(const struct command *command)
{
	const struct option *own[] = { command->options, NULL };
	const struct option *shared[] = { common_option_table, NULL };

	printf("usage: lazyrun %s [OPTION...] %s\n\n%s.\n", command->name,
	       command->operands, command->summary);
	if (command->details)
		printf("\n%s\n", command->details);
	if (command->options) {
		printf("\noptions:\n");
		option_print_help(own);
	}
	printf("\noptions of every command:\n");
	option_print_help(shared);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void apply_log_level(const struct common_options *options)
{
	if (options->debug)
		log_set_level(LOG_DEBUG);
	else if (options->verbose)
		log_set_level(LOG_INFO);
	else if (options->quiet)
		log_set_level(LOG_ERROR);
}

/* Options before the subcommand, then files, environment, and those after. */
static int load_options(const struct command *command, void *values,
			char **global, char **argv, int *ret_count,
			struct error *err)
{
	const struct option *tables[] = {
		common_option_table,
		command->options,
		NULL,
	};
	int unused;
	int r;

	if (!command->options)
		tables[1] = NULL;
	r = config_load(tables, values, err);
	if (r == 0)
		r = option_load_environment(tables, values, err);
	if (r == 0)
		r = option_parse(tables, values, false, global, &unused, err);
	if (r == 0)
		r = option_parse(tables, values, command->stops_early, argv,
				 ret_count, err);
	return r;
}

/* What was printed may have met a full disk. */
static int finish_output(struct error *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return error_set(err, -EIO, "cannot write all of the output");
}

static int run_command(const struct command *command, char **global,
		       char **argv)
{
	autofree struct common_options *values =
		calloc(1, command->values_size);
	struct error err = { 0 };
	int count = 0;
	int r;

	if (!values) {
		fprintf(stderr, "lazyrun: out of memory\n");
		return command->failure_status;
	}
	values->start_us = clock_us();
	values->tag_ttl_ms = 5 * 60 * 1000;
	r = load_options(command, values, global, argv, &count, &err);
	if (r < 0) {
		fprintf(stderr, "lazyrun %s: %s\n", command->name, err.text);
		return r == -EINVAL ? EXIT_USAGE : command->failure_status;
	}
	if (values->help) {
		print_help(command);
		return 0;
	}
	if (count < command->operands_min ||
	    (command->operands_max >= 0 && count > command->operands_max)) {
		fprintf(stderr, "usage: lazyrun %s [OPTION...] %s\n",
			command->name, command->operands);
		return EXIT_USAGE;
	}
	apply_log_level(values);
	r = command->main(values, argv, count, &err);
	if (r == 0)
		r = finish_output(&err);
	if (err.code < 0)
		fprintf(stderr, "lazyrun %s: %s\n", command->name, err.text);
	return r < 0 ? command->failure_status : r;
}

/* Whether an option before the subcommand is followed by its value. */
static bool takes_next_word(const char *word)
{
	for (const struct option *o = common_option_table; o->name; o++)
		if (o->kind != OPTION_FLAG && word[1] == '-' &&
		    strcmp(word + 2, o->name) == 0)
			return true;
	return false;
}

/* The number of words before the subcommand: options and their values. */
static int count_global_words(char **argv)
{
	int count = 0;

	while (argv[count] && argv[count][0] == '-')
		if (takes_next_word(argv[count++]) && argv[count])
			count++;
	return count;
}

/* Descriptors 0 to 2 must be open, or a file of ours would land there. */
static void open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

/* Chunks and spans pass from thread to thread.  With an arena for each thread,
 * every one would keep its own share of freed memory; and what is a megabyte or
 * more goes back at once. */
static void bound_freed_memory(void)
{
	/* NOLINTBEGIN(concurrency-mt-unsafe): there is one thread yet */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 8 << 20);
	/* NOLINTEND(concurrency-mt-unsafe) */
}

int main(int argc, char **argv)
{
	const struct command *command;
	int skip;

	(void)argc;
	bound_freed_memory();
	open_standard_descriptors();
	skip = count_global_words(argv + 1);
	if (!argv[1 + skip]) {
		for (char **word = argv + 1; *word; word++) {
			if (strcmp(*word, "--version") == 0) {
				printf("lazyrun %s\n", LAZYRUN_VERSION);
				return 0;
			}
			if (strcmp(*word, "--help") == 0 ||
			    strcmp(*word, "-h") == 0) {
				print_overview(stdout);
				return 0;
			}
		}
		print_overview(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1 + skip], "version") == 0) {
		printf("%s\n", LAZYRUN_VERSION);
		return 0;
	}
	if (strcmp(argv[1 + skip], "help") == 0) {
		print_overview(stdout);
		return 0;
	}
	command = find_command(argv[1 + skip]);
	if (!command) {
		fprintf(stderr,
			"lazyrun: unknown command \"%s\"; `lazyrun --help` "
			"lists them\n",
			argv[1 + skip]);
		return EXIT_USAGE;
	}
	argv[1 + skip] = NULL; /* ends the words before it */
	return run_command(command, argv + 1, argv + 2 + skip);
}
