/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A SPANK plugin: srun and sbatch --lazy-image=IMAGE.
 *
 * Once a step and node, slurmstepd starts `lazyrun instance start --say-root`
 * as the user (user_init). It mounts the image, makes the root, says the pid of
 * a process in it and the environment of the image, and stays. Every task then
 * enters that process' user and mount namespaces (task_init): one mount and one
 * user namespace for all ranks, so that they may read each other's memory.
 * Descriptors are not touched: PMI's stay open.
 *
 * The instance ends with the step: slurmstepd holds the other end of its
 * standard input, and PR_SET_PDEATHSIG sees to a killed slurmstepd.
 *
 * A failure in user_init would drain the node (slurm 22.05): it is kept, and
 * told by the first task.
 *
 * plugstack.conf: required spank_lazyrun.so [lazyrun=PATH] [timeout=SECONDS]
 */
/* What slurm looks up in the plugin is all that it shows. */
#pragma GCC visibility push(default)
#include <slurm/slurm.h>
#include <slurm/spank.h>
#pragma GCC visibility pop

#include "tools/slurm/spank_instance.h"
#include "tools/slurm/spank_options.h"
#include "tools/slurm/spank_task.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#pragma GCC visibility push(default)
SPANK_PLUGIN(lazyrun, 1)
#pragma GCC visibility pop

/* Step id of a batch script (slurm.h has it as SLURM_BATCH_SCRIPT): it lies in
 * slurmd's spool, which no image shows. Its srun gets the option instead. */
static const uint32_t batch_step = 0xfffffffb;

/* Of this step, in slurmstepd. */
static struct spank_instance instance = SPANK_INSTANCE_INIT;

int slurm_spank_init(spank_t spank, int count, char **words)
{
	spank_context_t context = spank_context();

	spank_options_take_arguments(count, words);
	if (context != S_CTX_LOCAL && context != S_CTX_ALLOCATOR &&
	    context != S_CTX_REMOTE)
		return 0;
	return spank_options_register(spank) == ESPANK_SUCCESS ? 0 : -1;
}

/* Whether the tasks of this step are to run in an image. */
static bool is_wanted(spank_t spank)
{
	uint32_t step = 0;

	return spank_options_image() &&
	       spank_get_item(spank, S_JOB_STEPID, &step) == ESPANK_SUCCESS &&
	       step != batch_step;
}

int slurm_spank_user_init(spank_t spank, int count, char **words)
{
	(void)count;
	(void)words;
	if (is_wanted(spank))
		spank_instance_start(&instance, spank);
	return 0;
}

int slurm_spank_task_init(spank_t spank, int count, char **words)
{
	char text[128];
	int r;

	(void)count;
	(void)words;
	if (!is_wanted(spank))
		return 0;
	if (instance.failure[0] != '\0') {
		uint32_t task = 0;

		spank_get_item(spank, S_TASK_ID, &task);
		if (task == 0)
			slurm_error("lazyrun: %s: %s", spank_options_image(),
				    instance.failure);
		return -1;
	}
	r = spank_task_enter(&instance);
	if (r < 0) {
		slurm_error("lazyrun: the image cannot be entered: %s",
			    strerror_r(-r, text, sizeof(text)));
		return -1;
	}
	spank_task_find_command(spank);
	return 0;
}

int slurm_spank_exit(spank_t spank, int count, char **words)
{
	(void)spank;
	(void)count;
	(void)words;
	if (spank_context() == S_CTX_REMOTE)
		spank_instance_end(&instance);
	return 0;
}
