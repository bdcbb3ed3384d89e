/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_idle: what keeps a root for others, without a command.
 *
 * Threads: the one of the runner.
 */

/** run_idle_leave_standard_io() - no terminal and no pipes any more */
void run_idle_leave_standard_io(void);

/** run_idle_be() - be idle until somebody kills this process; the closed
 * descriptors say that it is there now */
__attribute__((noreturn)) void run_idle_be(void);
