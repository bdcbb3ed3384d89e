/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/user_agent.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/io.h"
#include "tools/htcondor_ad.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

/* Ads of jobs have some 20 KiB. */
enum { AD_SIZE_MAX = 1 << 20 };

/* malloc'ed; NULL: none. */
static char *find_project(void)
{
	struct buffer ad CLEANUP(buffer_fini) = BUFFER_INIT(AD_SIZE_MAX);
	const char *path = getenv("_CONDOR_JOB_AD");

	if (io_read_file(AT_FDCWD, path && *path ? path : ".job.ad", &ad,
			 NULL) < 0 ||
	    buffer_terminate(&ad) < 0)
		return NULL;
	return htcondor_ad_find_string((const char *)ad.data, "ProjectName");
}

void user_agent_format(char ret[USER_AGENT_SIZE])
{
	autofree char *project = find_project();

	for (char *c = project; c && *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '.' && *c != '_' &&
		    *c != '-')
			*c = '_';
	if (project && *project)
		snprintf(ret, USER_AGENT_SIZE, "lazyrun/%s project/%.64s",
			 LAZYRUN_VERSION, project);
	else
		snprintf(ret, USER_AGENT_SIZE, "lazyrun/%s", LAZYRUN_VERSION);
}
