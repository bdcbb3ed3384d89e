/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * spank_environment: a step's environment becomes what a job of lazyrun's would
 * have.
 *
 * Threads: one at a time.
 */
#include <slurm/spank.h>

/** spank_environment_copy() - the step's variables, NULL-ended; malloc'ed, to
 * spank_environment_free(); NULL without memory, or when slurm does not tell */
char **spank_environment_copy(spank_t spank);
void spank_environment_free(char **list);

/**
 * spank_environment_apply() - set what differs, unset what is missing
 * @before: the step's variables
 * @text:   those it is to have, each ended by NUL, up to @end
 */
void spank_environment_apply(spank_t spank, char **before, char *text,
			     const char *end);
