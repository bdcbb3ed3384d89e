/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion: scripts for shells, printed from the tables that parse the
 * options, so that they cannot go stale.
 */
#include "common/error.h"
#include "tools/command.h"
#include "tools/command_list.h"
#include "tools/job_options.h"

#include <stdio.h>
#include <string.h>

/* Called for each option of a command, in the order of --help. */
typedef void option_fn(const struct option *option, void *arg);

static void for_each(const struct option *table, option_fn *fn, void *arg)
{
	for (; table && table->name; table++)
		if (table->kind != OPTION_REFUSED)
			fn(table, arg);
}

static void for_each_option(const struct command *command, option_fn *fn,
			    void *arg)
{
	const struct option *const *more = command->more_options;

	for_each(command->options, fn, arg);
	for (; more && *more; more++)
		for_each(*more, fn, arg);
	if (command == &cmd_instance) {
		for_each(job_option_table, fn, arg);
		for_each(apptainer_option_table, fn, arg);
	}
	for_each(common_option_table, fn, arg);
}

static bool has_argument(const struct option *option)
{
	return option->kind != OPTION_FLAG;
}

/* Whether a path is wanted behind it. */
static bool takes_path(const struct option *option)
{
	return option->argument && (strstr(option->argument, "FILE") ||
				    strstr(option->argument, "DIR") ||
				    strstr(option->argument, "PATH") ||
				    strstr(option->argument, "SRC"));
}

static const char *find_verbs(const struct command *command)
{
	if (command == &cmd_instance)
		return "start list stop";
	if (command == &cmd_cache)
		return "ls du gc rm";
	if (command == &cmd_profile)
		return "show export import rm";
	return NULL;
}

static void print_word(const struct option *option, void *arg)
{
	(void)arg;
	printf(" --%s", option->name);
	if (option->short_name)
		printf(" -%c", option->short_name);
}

static void print_pattern(const struct option *option, void *arg)
{
	bool *is_first = arg;

	if (!has_argument(option) || takes_path(option))
		return;
	printf("%s--%s", *is_first ? "" : "|", option->name);
	*is_first = false;
}

static void print_bash(void)
{
	printf("# lazyrun completion bash\n_lazyrun() {\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev= command= i words\n"
	       "\t[ \"$COMP_CWORD\" -lt 1 ] || "
	       "prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	       "\tCOMPREPLY=()\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	       "\t\tcase ${COMP_WORDS[i]} in\n\t\t");
	for (size_t i = 0; command_list[i]; i++)
		printf("%s%s", i ? "|" : "", command_list[i]->name);
	printf(") command=${COMP_WORDS[i]}; break ;;\n\t\tesac\n\tdone\n"
	       "\tcase $command in\n\t\"\") words=\"");
	for (size_t i = 0; command_list[i]; i++)
		printf("%s ", command_list[i]->name);
	printf("version help --version --help\" ;;\n");
	for (size_t i = 0; command_list[i]; i++) {
		const struct command *command = command_list[i];
		const char *verbs = find_verbs(command);
		bool is_first = true;

		printf("\t%s)\n\t\tcase $prev in\n\t\t", command->name);
		for_each_option(command, print_pattern, &is_first);
		printf("%s) return ;;\n\t\tesac\n\t\twords=\"%s",
		       is_first ? "--" : "", verbs ? verbs : "");
		for_each_option(command, print_word, NULL);
		printf("\" ;;\n");
	}
	printf("\tesac\n"
	       "\tcase $cur in\n"
	       "\t-*) ;;\n"
	       "\t*) [ -z \"$command\" ] || words=${words%%%% -*} ;;\n"
	       "\tesac\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	       "}\n"
	       "complete -o default -F _lazyrun lazyrun\n");
}

/* In single quotes, without what ends them or zsh's own brackets. */
static void print_quoted(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			printf("'\\''");
		else if (*text == '[')
			putchar('(');
		else if (*text == ']')
			putchar(')');
		else if (*text == ':')
			printf("\\:");
		else
			putchar(*text);
	}
}

static void print_zsh_option(const struct option *option, void *arg)
{
	(void)arg;
	printf(" \\\n\t\t\t'%s--%s[", option->kind == OPTION_LIST ? "*" : "",
	       option->name);
	print_quoted(option->help);
	printf("]%s'", !has_argument(option) ? ""
		       : takes_path(option)  ? ":path:_files"
					     : ":value:");
}

static void print_zsh(void)
{
	printf("#compdef lazyrun\n# lazyrun completion zsh\n_lazyrun() {\n"
	       "\tlocal -a commands\n\tcommands=(\n");
	for (size_t i = 0; command_list[i]; i++) {
		printf("\t\t'%s:", command_list[i]->name);
		print_quoted(command_list[i]->summary);
		printf("'\n");
	}
	printf("\t)\n\tif ((CURRENT == 2)); then\n"
	       "\t\t_describe command commands\n\t\treturn\n\tfi\n"
	       "\tcase $words[2] in\n");
	for (size_t i = 0; command_list[i]; i++) {
		const char *verbs = find_verbs(command_list[i]);

		printf("\t%s)\n\t\tshift words; ((CURRENT--))\n"
		       "\t\t_arguments -S",
		       command_list[i]->name);
		for_each_option(command_list[i], print_zsh_option, NULL);
		if (verbs)
			printf(" \\\n\t\t\t'1:verb:(%s)'", verbs);
		printf(" \\\n\t\t\t'*:file:_files' ;;\n");
	}
	printf("\tesac\n}\n"
	       "[ \"$funcstack[1]\" = _lazyrun ] && _lazyrun \"$@\" || "
	       "compdef _lazyrun lazyrun\n");
}

static void print_fish_quoted(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
}

static void print_fish_option(const struct option *option, void *arg)
{
	const struct command *command = arg;

	printf("complete -c lazyrun -n '__fish_seen_subcommand_from %s' -l %s",
	       command->name, option->name);
	if (option->short_name)
		printf(" -s %c", option->short_name);
	if (has_argument(option))
		printf(" -r");
	if (takes_path(option))
		printf(" -F");
	printf(" -d '");
	print_fish_quoted(option->help);
	printf("'\n");
}

static void print_fish(void)
{
	printf("# lazyrun completion fish\n");
	for (size_t i = 0; command_list[i]; i++) {
		printf("complete -c lazyrun -n __fish_use_subcommand -f -a %s "
		       "-d '",
		       command_list[i]->name);
		print_fish_quoted(command_list[i]->summary);
		printf("'\n");
	}
	for (size_t i = 0; command_list[i]; i++) {
		const char *verbs = find_verbs(command_list[i]);

		if (verbs)
			printf("complete -c lazyrun -n "
			       "'__fish_seen_subcommand_from %s' -a '%s'\n",
			       command_list[i]->name, verbs);
		for_each_option(command_list[i], print_fish_option,
				(void *)command_list[i]);
	}
}

static int completion_main(void *values, char **operands, int count,
			   struct error *err)
{
	(void)values;
	(void)count;
	if (strcmp(operands[0], "bash") == 0)
		print_bash();
	else if (strcmp(operands[0], "zsh") == 0)
		print_zsh();
	else if (strcmp(operands[0], "fish") == 0)
		print_fish();
	else
		return command_usage_error(
			err, "%.40s is none of bash, zsh, fish", operands[0]);
	return 0;
}

const struct command cmd_completion = {
	.name = "completion",
	.operands = "bash|zsh|fish",
	.summary = "print a shell's completion script",
	.details = "  eval \"$(lazyrun completion bash)\"",
	.values_size = sizeof(struct common_options),
	.operands_min = 1,
	.operands_max = 1,
	.failure_status = EXIT_FAILED,
	.main = completion_main,
};
