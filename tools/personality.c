/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/personality.h"

#include "common/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool personality_is_interpreter(const char *argv0)
{
	return strcmp(base_name(argv0), "run-singularity") == 0;
}

bool personality_is_apptainer(const char *argv0)
{
	const char *name = argv0 ? base_name(argv0) : "";

	return strcmp(name, "apptainer") == 0 ||
	       strcmp(name, "singularity") == 0 ||
	       strcmp(name, "run-singularity") == 0;
}

/* Scripts compare what comes last with a version: ours is its build part. */
void personality_format_version(bool is_apptainer, const char *own_version,
				char *ret, size_t size)
{
	if (is_apptainer)
		snprintf(ret, size, "%s+lazyrun.%s",
			 PERSONALITY_APPTAINER_VERSION, own_version);
	else
		snprintf(ret, size, "%s", own_version);
}

int personality_parse_exit_style(const char *text, bool is_apptainer,
				 enum exit_style *ret, struct error *err)
{
	if (!text)
		*ret = is_apptainer ? EXIT_STYLE_APPTAINER : EXIT_STYLE_DOCKER;
	else if (strcmp(text, "apptainer") == 0)
		*ret = EXIT_STYLE_APPTAINER;
	else if (strcmp(text, "docker") == 0)
		*ret = EXIT_STYLE_DOCKER;
	else
		return error_set(err, -EINVAL,
				 "--exit-style \"%.40s\": write docker or "
				 "apptainer",
				 text);
	return 0;
}
