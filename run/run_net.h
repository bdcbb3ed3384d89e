/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_net: the network of a job that has one of its own.
 *
 * Threads: any.
 */

/** run_net_start_loopback() - the one interface there is; a kernel without it
 * leaves the job without it */
void run_net_start_loopback(void);
