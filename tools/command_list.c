/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/command_list.h"

#include "tools/command.h"

#include <stddef.h>

/* one a line */
/* clang-format off */
const struct command *const command_list[] = {
	&cmd_exec,
	&cmd_run,
	&cmd_shell,
	&cmd_test,
	&cmd_mount,
	&cmd_umount,
	&cmd_index,
	&cmd_pull,
	&cmd_verify,
	&cmd_inspect,
	&cmd_ls,
	&cmd_cat,
	&cmd_profile,
	&cmd_cache,
	&cmd_serve,
	&cmd_instance,
	&cmd_ps,
	&cmd_doctor, &cmd_htcondor,
	&cmd_bench,
	&cmd_completion,
	&cmd_oci,
	&cmd_hot,
	NULL,
};
/* clang-format on */
