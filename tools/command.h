/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * command: one lazyrun subcommand, and the options all of them share.
 *
 * Each cmd_NAME.c defines its struct command; tools/lazyrun.c lists them.
 * Exit statuses: 0; 1 failure; 2 wrong usage; for exec, run and shell 125 for
 * a failure of ours, 126, 127, else the command's own.
 */
#include "tools/option.h"

#include <stdbool.h>
#include <stdint.h>

struct error;

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_APPTAINER = 255, /* with its exit style, instead of 125 to 127 */
};

/* First member of every command's option struct. */
struct common_options {
	const char *cache_dir; /* NULL: config_cache_dir() */
	uint64_t cache_size;   /* bytes; 0: chunk_cache.h's default */
	uint64_t tag_ttl_ms;
	uint64_t read_timeout_ms; /* 0: chunk_loader.h's default */
	bool is_lazy_only;	  /* never stream what nobody has asked for */
	const char *platform;	  /* NULL: this machine's */
	const char *index;	  /* --index FILE, or NULL */
	const char *index_dir;	  /* where to look for an object's, or NULL */
	const char *federation;	  /* what osdf: means, or NULL */
	const char *preferred_caches; /* a list, or NULL */
	const char *auth_file;	      /* --authfile FILE, or NULL */
	const char *trace;	      /* --trace FILE, or NULL */
	int64_t start_us;	      /* main() was entered; on clock_us() */
	bool local_index; /* ask no registry for an index or a profile */
	bool insecure;
	bool quiet;
	bool verbose;
	bool debug;
	bool json;
	bool help;
	const char *exit_style; /* --exit-style, or NULL */
	const char *config;	/* --config FILE, or NULL */
	bool silent;		/* errors only */
	bool ignored;
	bool is_apptainer; /* called by that name (tools/personality.h) */
};

extern const struct option common_option_table[];

/* Those that may stand before the subcommand only, beside the common ones:
 * their letters mean something else behind it. */
extern const struct option global_option_table[];

struct command {
	const char *name;
	const char *operands; /* for usage: "IMAGE COMMAND [ARGUMENT...]" */
	const char *summary;  /* one line, no dot */
	const char *details;  /* paragraphs for --help; may be NULL */
	const struct option *options; /* its own; beside the common ones */
	/* Further tables, NULL-ended, searched before; may be NULL. */
	const struct option *const *more_options;
	size_t values_size; /* of its option struct, common_options first */
	bool stops_early;   /* operands after the first belong to the job */
	int operands_min;
	int operands_max;   /* -1: any number */
	bool is_hidden;	    /* in no list */
	int failure_status; /* EXIT_FAILED or RUN_EXIT_FAILURE */

	/*
	 * @values: the parsed options; @operands: NULL-ended, count checked.
	 * Return: an exit status, or negative errno with @err set, which is
	 * printed and becomes failure_status (-EINVAL: EXIT_USAGE when the
	 * command says so by calling command_usage_error()).
	 */
	int (*main)(void *values, char **operands, int count,
		    struct error *err);
};

/** command_usage_error() - an error that is the user's: exits with 2 */
int command_usage_error(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

extern const struct command cmd_bench;
extern const struct command cmd_cache;
extern const struct command cmd_cat;
extern const struct command cmd_completion;
extern const struct command cmd_doctor;
extern const struct command cmd_exec;
extern const struct command cmd_hot;
extern const struct command cmd_htcondor;
extern const struct command cmd_index;
extern const struct command cmd_inspect;
extern const struct command cmd_instance;
extern const struct command cmd_ls;
extern const struct command cmd_oci;
extern const struct command cmd_mount;
extern const struct command cmd_profile;
extern const struct command cmd_pull;
extern const struct command cmd_ps;
extern const struct command cmd_run;
extern const struct command cmd_serve;
extern const struct command cmd_shell;
extern const struct command cmd_test;
extern const struct command cmd_umount;
extern const struct command cmd_verify;
