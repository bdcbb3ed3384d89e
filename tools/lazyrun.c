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
#include "tools/command_list.h"
#include "tools/config.h"
#include "tools/job_options.h"
#include "tools/option.h"
#include "tools/personality.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TABLES_MAX = 8,
};

static const struct option *const global_tables[] = {
	global_option_table,
	common_option_table,
	NULL,
};

static void print_overview(FILE *out)
{
	fprintf(out, "usage: lazyrun [OPTION...] COMMAND [...]\n\n"
		     "Run a command inside a container image without "
		     "downloading the image.\n\n");
	for (size_t i = 0; command_list[i]; i++)
		if (!command_list[i]->is_hidden)
			fprintf(out, "  %-9s %s\n", command_list[i]->name,
				command_list[i]->summary);
	fprintf(out, "\noptions before the command:\n");
	option_print(out, global_tables);
	fprintf(out, "\n`lazyrun COMMAND --help` tells more; so does "
		     "lazyrun(1).\n");
}

/* The tables of a command's options; those of docker's letters are left out
 * under Apptainer's name. */
static void list_tables(const struct command *command, bool is_apptainer,
			const struct option *ret[TABLES_MAX])
{
	const struct option *const *more = command->more_options;
	size_t count = 0;

	for (; more && *more; more++) {
		assert(count + 3 < TABLES_MAX);
		if (!is_apptainer || *more != docker_option_table)
			ret[count++] = *more;
	}
	if (command->options)
		ret[count++] = command->options;
	ret[count] = NULL;
}

static void print_help(const struct command *command, bool is_apptainer)
{
	const struct option *shared[] = { common_option_table, NULL };
	const struct option *own[TABLES_MAX];

	list_tables(command, is_apptainer, own);
	printf("usage: lazyrun %s [OPTION...] %s\n\n%s.\n", command->name,
	       command->operands, command->summary);
	if (command->details)
		printf("\n%s\n", command->details);
	if (own[0]) {
		printf("\noptions:\n");
		option_print(stdout, own);
	}
	printf("\noptions of every command:\n");
	option_print(stdout, shared);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; command_list[i]; i++)
		if (strcmp(command_list[i]->name, name) == 0)
			return command_list[i];
	return NULL;
}

static void apply_log_level(const struct common_options *options)
{
	if (options->debug)
		log_set_level(LOG_DEBUG);
	else if (options->verbose)
		log_set_level(LOG_INFO);
	else if (options->quiet || options->silent)
		log_set_level(LOG_ERROR);
}

/* option_parse() moves words about. */
static char **copy_words(char **words)
{
	size_t count = 0;
	char **copy;

	while (words[count])
		count++;
	copy = calloc(count + 1, sizeof(*copy));
	if (copy)
		memcpy(copy, words, count * sizeof(*copy));
	return copy;
}

/* Files, environment, options before the subcommand, those after it.  The
 * first look at those before is for --config. */
static int load_options(const struct command *command,
			struct common_options *values, char **global,
			char **argv, int *ret_count, struct error *err)
{
	const struct option *tables[TABLES_MAX + 2];
	autofree char **first_look = copy_words(global);
	size_t count = 0;
	int unused;
	int r;

	if (!first_look)
		return error_set(err, -ENOMEM, "out of memory");
	list_tables(command, values->is_apptainer, tables);
	while (tables[count])
		count++;
	tables[count] = common_option_table;
	tables[count + 1] = NULL;
	r = option_load_environment(global_tables, false, values, err);
	if (r == 0)
		r = option_parse(global_tables, values, false, first_look,
				 &unused, err);
	if (r == 0)
		r = config_load(tables, values, values->config, err);
	if (r == 0)
		r = option_load_environment(tables, false, values, err);
	if (r == 0)
		r = option_parse(global_tables, values, false, global, &unused,
				 err);
	if (r == 0)
		r = option_parse(tables, values, command->stops_early, argv,
				 ret_count, err);
	if (r == 0)
		r = option_load_environment(tables, true, values, err);
	return r;
}

/* What was printed may have met a full disk. */
static int finish_output(struct error *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return error_set(err, -EIO, "cannot write all of the output");
}

/* GlideinWMS and others look for the word. */
static void print_error(const struct common_options *values,
			const struct command *command, const struct error *err)
{
	if (values->is_apptainer)
		fprintf(stderr, "FATAL:   %s\n", err->text);
	else
		fprintf(stderr, "lazyrun %s: %s\n", command->name, err->text);
}

/* A failure of ours, which is known by its error, as the caller wants it. */
static int to_exit_status(const struct command *command, enum exit_style style,
			  int r, const struct error *err)
{
	if (style == EXIT_STYLE_DOCKER || err->code >= 0)
		return r < 0 ? command->failure_status : r;
	return r == EXIT_USAGE ? EXIT_FAILED : EXIT_APPTAINER;
}

/* Apptainer shows all options then, on the standard output. */
static void print_unknown(const struct command *command,
			  const struct common_options *values,
			  const struct error *err)
{
	const struct option *own[TABLES_MAX];

	if (!values->is_apptainer) {
		fprintf(stderr, "lazyrun %s: %s; see --help\n", command->name,
			err->text);
		return;
	}
	/* first, since it is the first line that batch systems show */
	fprintf(stderr, "Error for command \"%s\": %s\n\n", command->name,
		err->text);
	list_tables(command, true, own);
	printf("Options for %s command:\n\n", command->name);
	option_print(stdout, own);
}

static int run_parsed(const struct command *command,
		      struct common_options *values, char **argv, int count,
		      struct error *err)
{
	int r;

	if (values->help) {
		print_help(command, values->is_apptainer);
		return 0;
	}
	if (count < command->operands_min ||
	    (command->operands_max >= 0 && count > command->operands_max))
		return command_usage_error(err,
					   "usage: lazyrun %s [OPTION...] %s",
					   command->name, command->operands);
	apply_log_level(values);
	if (values->auth_file && access(values->auth_file, R_OK) < 0)
		return error_set_errno(err, -errno, "--authfile %s",
				       values->auth_file);
	/* Where fetch/credentials.c looks first; there is one thread yet. */
	if (values->auth_file &&
	    /* NOLINTNEXTLINE(concurrency-mt-unsafe) */
	    setenv("REGISTRY_AUTH_FILE", values->auth_file, 1) < 0)
		return error_set_errno(err, -errno, "--authfile");
	r = command->main(values, argv, count, err);
	return r == 0 ? finish_output(err) : r;
}

static int run_command(const struct command *command, bool is_apptainer,
		       char **global, char **argv)
{
	autofree struct common_options *values =
		calloc(1, command->values_size);
	enum exit_style style =
		is_apptainer ? EXIT_STYLE_APPTAINER : EXIT_STYLE_DOCKER;
	struct error err = { 0 };
	int count = 0;
	int r;

	if (!values) {
		fprintf(stderr, "lazyrun: out of memory\n");
		return command->failure_status;
	}
	values->start_us = clock_us();
	values->is_apptainer = is_apptainer;
	values->tag_ttl_ms = 5 * 60 * 1000;
	r = load_options(command, values, global, argv, &count, &err);
	if (r == 0)
		r = personality_parse_exit_style(values->exit_style,
						 is_apptainer, &style, &err);
	if (r == -ENOPROTOOPT) {
		print_unknown(command, values, &err);
		return style == EXIT_STYLE_DOCKER ? EXIT_USAGE : EXIT_FAILED;
	}
	if (r == -EINVAL || (r == -ENOTSUP && style == EXIT_STYLE_DOCKER))
		r = EXIT_USAGE;
	if (r == 0)
		r = run_parsed(command, values, argv, count, &err);
	/* of what was tried first, before it went well */
	if (r == 0)
		err = (struct error){ 0 };
	if (err.code < 0)
		print_error(values, command, &err);
	return to_exit_status(command, style, r, &err);
}

/* The number of words before the subcommand: options and their values. */
static int count_global_words(char **argv)
{
	int count = 0;

	while (argv[count] && argv[count][0] == '-')
		if (option_takes_next(global_tables, argv[count++]) &&
		    argv[count])
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

/* What needs no subcommand. */
static int run_without_command(char **words, bool is_apptainer)
{
	char version[64];

	personality_format_version(is_apptainer, LAZYRUN_VERSION, version,
				   sizeof(version));
	for (; *words; words++) {
		if (strcmp(*words, "--version") == 0) {
			printf("%s%s\n",
			       is_apptainer ? "apptainer version " : "lazyrun ",
			       version);
			return 0;
		}
		if (strcmp(*words, "version") == 0) {
			printf("%s\n", version);
			return 0;
		}
		if (strcmp(*words, "--help") == 0 ||
		    strcmp(*words, "-h") == 0 || strcmp(*words, "help") == 0) {
			print_overview(stdout);
			return 0;
		}
	}
	print_overview(stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const bool is_apptainer = personality_is_apptainer(argv[0]);
	const struct command *command;
	char *nothing[] = { NULL };
	const char *name;
	int skip;

	(void)argc;
	bound_freed_memory();
	open_standard_descriptors();
	if (argv[0] && personality_is_interpreter(argv[0]))
		return run_command(&cmd_run, is_apptainer, nothing, argv + 1);
	skip = count_global_words(argv + 1);
	name = argv[1 + skip];
	if (!name || strcmp(name, "version") == 0 || strcmp(name, "help") == 0)
		return run_without_command(argv + 1, is_apptainer);
	command = find_command(name);
	if (!command) {
		fprintf(stderr,
			"%sunknown command \"%s\"; `lazyrun --help` "
			"lists them\n",
			is_apptainer ? "FATAL:   " : "lazyrun: ", name);
		return is_apptainer ? EXIT_FAILED : EXIT_USAGE;
	}
	argv[1 + skip] = NULL; /* ends the words before it */
	return run_command(command, is_apptainer, argv + 1, argv + 2 + skip);
}
