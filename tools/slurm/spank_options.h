/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * spank_options: what the user said with --lazy-..., and the administrator in
 * plugstack.conf.
 *
 * SPANK hands options over one by one, to a function without an argument of
 * ours: so they are kept here, once a process.
 *
 * Threads: set by slurm's parser, before there are others; then read only.
 */
#include <slurm/spank.h>

enum { SPANK_OPTIONS_WORDS_MAX = 32 };

/** spank_options_take_arguments() - the words behind the plugin's name; one
 * that is not known is logged */
void spank_options_take_arguments(int count, char **words);

/** spank_options_register() - make the options known to srun and slurmstepd */
spank_err_t spank_options_register(spank_t spank);

/** spank_options_image() - --lazy-image; NULL: not given, nothing is to be done
 */
const char *spank_options_image(void);

/** spank_options_workdir() - --lazy-workdir, or NULL */
const char *spank_options_workdir(void);

/** spank_options_program() - the path of lazyrun */
const char *spank_options_program(void);

/** spank_options_timeout_s() - how long an image may take until it is ready */
int spank_options_timeout_s(void);

/** spank_options_list_words() - the command line of the instance @name;
 * borrowed words, NULL-ended */
void spank_options_list_words(const char *name,
			      const char *ret[SPANK_OPTIONS_WORDS_MAX]);
