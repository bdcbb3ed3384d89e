/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * user_agent: how lazyrun names itself to servers: "lazyrun/VERSION", and
 * within an HTCondor job that has a project " project/NAME" behind it, as the
 * OSDF's own client has it: sites count by it.
 *
 * The project is the job ad's ProjectName; the ad is the file _CONDOR_JOB_AD,
 * else .job.ad in the working directory.  What is no letter, digit, '.', '_' or
 * '-' of it becomes '_'.
 *
 * Threads: any; reads a file.
 */
#include <stddef.h>

enum { USER_AGENT_SIZE = 128 };

void user_agent_format(char ret[USER_AGENT_SIZE]);
