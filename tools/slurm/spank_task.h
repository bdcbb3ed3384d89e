/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * spank_task: one task of a step, in its own process, right before it is
 * executed.
 *
 * Threads: there is one.
 */
#include <slurm/spank.h>

struct spank_instance;

/**
 * spank_task_enter() - the instance's user and mount namespaces
 *
 * Then the working directory, no capability, no_new_privs.  Descriptors stay.
 *
 * Return: 0, or negative errno.
 */
int spank_task_enter(const struct spank_instance *instance);

/** spank_task_find_command() - srun looks a command up on the submitting host;
 * one that the image has elsewhere is looked up again there */
void spank_task_find_command(spank_t spank);
