/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * command_list: every subcommand, in the order of --help.
 *
 * Threads: any; constant.
 */
struct command;

/* NULL-ended */
extern const struct command *const command_list[];
