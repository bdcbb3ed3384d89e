/* SPDX-License-Identifier: Apache-2.0 */
#include "common/error.h"
#include "tools/personality.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(personality, goes_by_the_last_component)
{
	cr_expect(personality_is_apptainer("apptainer"));
	cr_expect(personality_is_apptainer("/usr/bin/singularity"));
	cr_expect(personality_is_apptainer("run-singularity"));
	cr_expect(personality_is_interpreter("/usr/bin/run-singularity"));
	cr_expect_not(personality_is_interpreter("/run-singularity/apptainer"));
	cr_expect_not(personality_is_apptainer("/opt/apptainer/lazyrun"));
	cr_expect_not(personality_is_apptainer("apptainer-suid"));
	cr_expect_not(personality_is_apptainer(NULL));
}

Test(personality, has_a_version_that_scripts_can_compare)
{
	char text[64];

	personality_format_version(true, "0.1.0", text, sizeof(text));
	cr_expect_str_eq(text, PERSONALITY_APPTAINER_VERSION "+lazyrun.0.1.0");
	cr_expect_null(strchr(text, ' '));
	personality_format_version(false, "0.1.0", text, sizeof(text));
	cr_expect_str_eq(text, "0.1.0");
}

Test(personality, chooses_the_style_of_statuses)
{
	enum exit_style style = EXIT_STYLE_DOCKER;
	struct error err;

	cr_expect_eq(personality_parse_exit_style(NULL, true, &style, NULL), 0);
	cr_expect_eq(style, EXIT_STYLE_APPTAINER);
	cr_expect_eq(personality_parse_exit_style("docker", true, &style, NULL),
		     0);
	cr_expect_eq(style, EXIT_STYLE_DOCKER);
	cr_expect_eq(
		personality_parse_exit_style("apptainer", false, &style, NULL),
		0);
	cr_expect_eq(style, EXIT_STYLE_APPTAINER);
	cr_expect_eq(personality_parse_exit_style("", false, &style, &err),
		     -EINVAL);
	cr_expect(strstr(err.text, "docker or apptainer"));
}
