/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance: a mount kept alive for many jobs; start, list, stop, as apptainer
 * spells them.
 */
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "tools/command.h"
#include "tools/config.h"
#include "tools/instance_dir.h"
#include "tools/instance_link.h"
#include "tools/instance_list.h"
#include "tools/instance_start.h"
#include "tools/job.h"
#include "tools/job_options.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	GRACE_MS = 10000, /* apptainer's */
};

struct instance_options {
	struct job_options job;
	uint64_t idle_ms;
	uint64_t timeout_ms;
	const char *signal;
	bool all;
	bool force;
	bool logs;
	bool as_json;
	bool foreground;
	bool says_root;
	const char *pid_file;
};

#define OPT(member) offsetof(struct instance_options, member)

static const struct option instance_option_table[] = {
	{ "idle", 0, OPTION_DURATION, "TIME",
	  "start: end when no job has been there for this long [never]",
	  "LAZYRUN_INSTANCE_IDLE", OPT(idle_ms) },
	{ "foreground", 0, OPTION_FLAG, NULL,
	  "start: stay until stopped, SIGTERM or SIGINT", NULL,
	  OPT(foreground) },
	{ "say-root", 0, OPTION_FLAG, NULL,
	  "start: in the foreground, for batch systems (docs/slurm.md)", NULL,
	  OPT(says_root) },
	{ "pid-file", 0, OPTION_TEXT, "FILE",
	  "start: write the process id of the root's first process", NULL,
	  OPT(pid_file), .twins = "PID_FILE" },
	{ "boot", 0, OPTION_REFUSED, NULL,
	  "no /sbin/init is booted in an image: name what is to run", NULL, 0,
	  .twins = "BOOT" },
	{ "dmtcp-launch", 0, OPTION_REFUSED, "NAME",
	  "lazyrun makes no checkpoints", NULL, 0 },
	{ "dmtcp-restart", 0, OPTION_REFUSED, "NAME",
	  "lazyrun makes no checkpoints", NULL, 0 },
	{ "user", 'u', OPTION_REFUSED, "NAME",
	  "instances are seen by their own user only", NULL, 0 },
	{ "all", 'a', OPTION_FLAG, NULL, "stop: every instance of yours", NULL,
	  OPT(all) },
	{ "force", 'F', OPTION_FLAG, NULL, "stop: kill its jobs at once", NULL,
	  OPT(force) },
	{ "signal", 's', OPTION_TEXT, "NAME",
	  "stop: what its jobs get first [TERM]", NULL, OPT(signal) },
	{ "timeout", 't', OPTION_DURATION, "TIME",
	  "stop: how long they have then [10s]", NULL, OPT(timeout_ms) },
	{ "logs", 'l', OPTION_FLAG, NULL, "list: with the logs' paths", NULL,
	  OPT(logs) },
	{ "as-json", 'j', OPTION_FLAG, NULL, "list: apptainer's JSON", NULL,
	  OPT(as_json) },
	{ 0 },
};

/* Of an instance that runs now. */
static int write_pid(const struct instance_options *options, const char *name,
		     struct error *err)
{
	json_t *all = NULL;
	const json_t *one;
	char text[32];
	size_t i;
	int r = instance_list_ask(&options->job.common, &all, err);

	if (r < 0)
		return r;
	r = error_set(err, -ESRCH, "the instance %s has ended", name);
	json_array_foreach (all, i, one) {
		const char *other =
			json_string_value(json_object_get(one, "name"));

		if (!other || strcmp(other, name) != 0)
			continue;
		snprintf(text, sizeof(text), "%lld\n",
			 (long long)json_integer_value(
				 json_object_get(one, "root_pid")));
		*err = (struct error){ 0 };
		r = io_write_file_atomic(AT_FDCWD, options->pid_file, text,
					 strlen(text), err);
	}
	json_decref(all);
	return r;
}

static int start(struct instance_options *options, char **operands, int count,
		 struct error *err)
{
	const struct instance_start_options start_options = {
		.job = &options->job,
		.image = operands[0],
		.name = operands[1],
		.arguments = operands[1] ? operands + 2 : operands + 1,
		.idle_ms = options->idle_ms,
	};
	int r;

	if (count < 1)
		return command_usage_error(
			err, "write `instance start [OPTION...] IMAGE [NAME "
			     "[ARGUMENT...]]`");
	if (operands[1] && instance_dir_check_name(operands[1], err) < 0)
		return EXIT_USAGE;
	/* Its processes end with it; a batch system sees to that itself. */
	options->job.use_pid = operands[1] != NULL && !options->says_root;
	options->job.no_init = false;
	r = job_options_settle(&options->job, err);
	if (r < 0)
		return EXIT_USAGE;
	if (options->foreground || options->says_root)
		return instance_start_here(&start_options, options->says_root,
					   err);
	r = instance_start_behind(&start_options, err);
	/* What is wanted is there. */
	if (r == -EEXIST && !operands[1]) {
		*err = (struct error){ 0 };
		r = 0;
	}
	if (r == 0 && operands[1] && options->pid_file)
		r = write_pid(options, operands[1], err);
	if (r == 0 && operands[1] && !options->job.common.quiet)
		fprintf(stderr, "lazyrun: instance %s started\n", operands[1]);
	return r;
}

static const char *get_text(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text ? text : "";
}

static json_t *to_apptainer(const json_t *one)
{
	return json_pack(
		"{s:s, s:O, s:s, s:s, s:s, s:s}", "instance",
		get_text(one, "name"), "pid", json_object_get(one, "root_pid"),
		"img", get_text(one, "image"), "ip", "", "logErrPath",
		get_text(one, "log"), "logOutPath", get_text(one, "log"));
}

static void print_instance(const struct instance_options *options,
			   const json_t *one)
{
	int64_t pid = json_integer_value(json_object_get(one, "root_pid"));

	if (options->logs)
		printf("%-16s %-8" PRId64 " %s\n", get_text(one, "name"), pid,
		       get_text(one, "log"));
	else
		printf("%-16s %-8" PRId64 " %-6s %s\n", get_text(one, "name"),
		       pid, "", get_text(one, "image"));
}

static int list(const struct instance_options *options, char **operands,
		struct error *err)
{
	const char *pattern = operands[0] ? operands[0] : "*";
	bool is_json = options->as_json || options->job.common.json;
	json_t *all = NULL;
	json_t *shown;
	const json_t *one;
	size_t i;
	int r = instance_list_ask(&options->job.common, &all, err);

	if (r < 0)
		return r;
	shown = json_array();
	if (!is_json && options->logs)
		printf("%-16s %-8s %s\n", "INSTANCE NAME", "PID", "LOGS");
	else if (!is_json)
		printf("%-16s %-8s %-6s %s\n", "INSTANCE NAME", "PID", "IP",
		       "IMAGE");
	json_array_foreach (all, i, one) {
		if (!json_is_true(json_object_get(one, "has_root")) ||
		    fnmatch(pattern, get_text(one, "name"), 0) != 0)
			continue;
		if (is_json)
			json_array_append_new(shown, to_apptainer(one));
		else
			print_instance(options, one);
	}
	if (is_json) {
		json_t *top = json_pack("{s:O}", "instances", shown);

		json_dumpf(top, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(top);
	}
	json_decref(shown);
	json_decref(all);
	return 0;
}

static int parse_signal(const char *text, int *ret, struct error *err)
{
	if (!text)
		return 0;
	if (strncmp(text, "SIG", 3) == 0)
		text += 3;
	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);
		char number[16];

		snprintf(number, sizeof(number), "%d", i);
		if ((name && strcmp(name, text) == 0) ||
		    strcmp(number, text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return command_usage_error(err, "--signal: there is no signal %.40s",
				   text);
}

static int stop_matching(const struct instance_options *options, int dir_fd,
			 const char *pattern, int signal, struct error *err)
{
	autofree struct instance_entry *entries = NULL;
	int count = instance_dir_list(dir_fd, &entries);
	uint64_t grace_ms = options->force ? 0 : options->timeout_ms;
	int found = 0;

	if (count < 0)
		return error_set_errno(err, count, "cannot list the instances");
	for (int i = 0; i < count; i++) {
		int r;

		if (fnmatch(pattern, entries[i].name, 0) != 0)
			continue;
		found++;
		r = instance_link_stop(dir_fd, &entries[i], signal,
				       grace_ms > INT_MAX ? INT_MAX
							  : (uint32_t)grace_ms);
		if (r < 0)
			return error_set_errno(err, r, "%s does not stop",
					       entries[i].name);
		if (!options->job.common.quiet)
			fprintf(stderr, "lazyrun: instance %s stopped\n",
				entries[i].name);
	}
	if (found == 0 && !options->all)
		return error_set(err, -ENOENT,
				 "there is no instance \"%s\" on this node",
				 pattern);
	return 0;
}

static int stop(const struct instance_options *options, char **operands,
		struct error *err)
{
	const char *pattern = options->all ? "*" : operands[0];
	autoclose int dir_fd = -1;
	int signal = options->force ? SIGKILL : SIGTERM;
	int r;

	if (!pattern)
		return command_usage_error(err, "write `instance stop NAME` or "
						"`instance stop --all`");
	r = parse_signal(options->signal, &signal, err);
	if (r != 0)
		return r;
	dir_fd = instance_list_open_dir(&options->job.common, err);
	return dir_fd < 0
		       ? dir_fd
		       : stop_matching(options, dir_fd, pattern, signal, err);
}

/* Options behind the verb: those of exec belong to start. */
static int parse_rest(struct instance_options *options, const char *verb,
		      char **operands, int *ret_count, struct error *err)
{
	bool is_start = strcmp(verb, "start") == 0;
	const struct option *tables[] = {
		common_option_table, instance_option_table, NULL, NULL, NULL,
	};
	int r;

	if (is_start) { /* -s and others are exec's */
		tables[1] = job_option_table;
		tables[2] = apptainer_option_table;
		tables[3] = instance_option_table;
		r = config_load(tables, options, options->job.common.config,
				err);
		if (r == 0)
			r = option_load_environment(tables + 1, false, options,
						    err);
		if (r < 0)
			return r;
	}
	r = option_parse(tables, options, is_start, operands, ret_count, err);
	if (r == 0 && is_start)
		r = option_load_environment(tables + 1, true, options, err);
	return r;
}

static int instance_main(void *values, char **operands, int count,
			 struct error *err)
{
	struct instance_options *options = values;
	const char *verb = operands[0];
	int r;

	if (options->timeout_ms == 0)
		options->timeout_ms = GRACE_MS;
	r = parse_rest(options, verb, operands + 1, &count, err);
	if (r < 0)
		return r == -EINVAL || r == -ENOPROTOOPT ? EXIT_USAGE : r;
	if (strcmp(verb, "start") == 0)
		r = start(options, operands + 1, count, err);
	else if (strcmp(verb, "list") == 0)
		r = list(options, operands + 1, err);
	else if (strcmp(verb, "stop") == 0)
		r = stop(options, operands + 1, err);
	else
		r = command_usage_error(
			err,
			"unknown verb \"%.40s\"; start, list and stop are "
			"there",
			verb);
	job_options_fini(&options->job);
	return r;
}

const struct command cmd_instance = {
	.name = "instance",
	.operands = "start|list|stop [OPTION...] [IMAGE [NAME]]",
	.summary = "keep an image mounted for many jobs",
	.details =
		"start IMAGE NAME keeps a root with its own processes, for "
		"`exec instance://NAME ...`;\nit takes exec's options.  start "
		"IMAGE keeps only the mount: exec, run and shell of\nthe same "
		"image join either by themselves.  list and stop take a name "
		"or a pattern.",
	.options = instance_option_table,
	.values_size = sizeof(struct instance_options),
	.stops_early = true,
	.operands_min = 1,
	.operands_max = -1,
	.failure_status = EXIT_FAILED,
	.main = instance_main,
};
