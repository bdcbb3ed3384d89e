/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker's habits, for `lazyrun run` under its own name.  Apptainer's -e and -u
 * take no value and its -v comes before the subcommand: the next word tells
 * which one is meant.  No image is called NAME=VALUE, 1000:1000 or /a:/b.
 */
#include "tools/job_options.h"

#include <ctype.h>
#include <string.h>

#define OPT(member) offsetof(struct job_options, member)

static bool is_assignment(const char *word)
{
	const char *c = word;

	if (!isalpha((unsigned char)*c) && *c != '_')
		return false;
	while (isalnum((unsigned char)*c) || *c == '_')
		c++;
	return *c == '=';
}

static bool is_volume(const char *word)
{
	return (word[0] == '/' || word[0] == '.' || word[0] == '~') &&
	       strstr(word, ":/");
}

static bool is_user(const char *word)
{
	return (isdigit((unsigned char)word[0]) &&
		word[strspn(word, "0123456789:")] == '\0') ||
	       strcmp(word, "root") == 0;
}

/* -it; -i alone is --ipc */
static bool is_tty(const char *word)
{
	return strcmp(word, "t") == 0;
}

const struct option docker_option_table[] = {
	{ "volume", 'v', OPTION_LIST, "SRC:DST[:ro]",
	  "docker's --bind; without such a value -v is --verbose", NULL,
	  OPT(binds), .is_form = is_volume },
	{ "env-exact", 'e', OPTION_LIST, "NAME=VALUE",
	  "docker's --env: commas belong to the value; without such a value "
	  "-e is --cleanenv",
	  NULL, OPT(exact_env), .is_form = is_assignment },
	{ "user", 'u', OPTION_TEXT, "UID[:GID]",
	  "docker's --user: your own ids, or root's; without such a value -u "
	  "is --userns",
	  NULL, OPT(user), .is_form = is_user },
	{ "directory", 'w', OPTION_TEXT, "DIR", "docker's --workdir: --pwd",
	  NULL, OPT(cwd) },
	{ "rm", 0, OPTION_FLAG, NULL, "changes nothing: nothing is left", NULL,
	  OPT(ignored) },
	{ "interactive", 'i', OPTION_FLAG, NULL,
	  "changes nothing: the job has the caller's input; the letter only "
	  "in -it",
	  NULL, OPT(ignored), .is_form = is_tty },
	{ "tty", 't', OPTION_FLAG, NULL,
	  "changes nothing: the job has the caller's terminal", NULL,
	  OPT(ignored) },
	{ 0 },
};
