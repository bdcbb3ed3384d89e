/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts as images carry them, and as users write env files.
 */
#include "common/buffer.h"
#include "common/shell_script.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A command that prints itself. */
static int print(void *arg, const char *command,
		 const struct variable_list *variables, struct buffer *ret)
{
	(void)arg;
	(void)variables;
	return buffer_append(ret, command, strlen(command));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct variable_list variables = { 0 };
	const struct shell_expand expand = {
		.variables = &variables,
		.substitute = print,
	};
	struct buffer value = BUFFER_INIT(1 << 20);
	char *text = strndup((const char *)data, size);

	assert(text);
	assert(variable_list_set_text(&variables, "HOME=/h") == 0);
	if (shell_script_run(text, &expand, NULL) < 0)
		/* nothing is half done */
		assert(variables.count == 1 &&
		       strcmp(variables.variables[0].text, "HOME=/h") == 0);
	for (size_t i = 0; i < variables.count; i++)
		assert(variables.variables[i]
			       .text[variables.variables[i].name_len] == '=');
	(void)shell_expand_quoted(&expand, text, &value);
	buffer_fini(&value);
	variable_list_fini(&variables);
	free(text);
	return 0;
}
