/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slurmstepd's function for that is no part of SPANK's interface, and has had
 * three forms.  Where none of them is there, the process stays in the node's
 * namespaces, and an image shows the node's /tmp.
 */
#include "tools/slurm/spank_namespace.h"

#include <limits.h>
#include <slurm/slurm.h>
#include <stddef.h>
#include <unistd.h>

#define FROM_SLURMSTEPD __attribute__((weak, visibility("default")))

#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(23, 11, 0)
extern int container_g_join(slurm_step_id_t *step, uid_t uid,
			    bool is_made) FROM_SLURMSTEPD;
extern int namespace_g_join(slurm_step_id_t *step, uid_t uid,
			    bool is_made) FROM_SLURMSTEPD;

static int join(uint32_t job_id, uint32_t step_id, uid_t uid)
{
	slurm_step_id_t step = {
		.job_id = job_id,
		.step_het_comp = NO_VAL,
		.step_id = step_id,
	};

	if (namespace_g_join)
		return namespace_g_join(&step, uid, false);
	return container_g_join ? container_g_join(&step, uid, false) : 0;
}
#else
extern int container_g_join(uint32_t job_id, uid_t uid) FROM_SLURMSTEPD;

static int join(uint32_t job_id, uint32_t step_id, uid_t uid)
{
	(void)step_id;
	return container_g_join ? container_g_join(job_id, uid) : 0;
}
#endif

bool spank_namespace_join(uint32_t job_id, uint32_t step_id, uid_t uid)
{
	char cwd[PATH_MAX];
	bool has_cwd = getcwd(cwd, sizeof(cwd)) != NULL;

	if (seteuid(0) < 0 || join(job_id, step_id, uid) != 0)
		return false;
	return (has_cwd && chdir(cwd) == 0) || chdir("/") == 0;
}
