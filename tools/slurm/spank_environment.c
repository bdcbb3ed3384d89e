/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/slurm/spank_environment.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void spank_environment_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

char **spank_environment_copy(spank_t spank)
{
	char **list = NULL;
	char **copy;
	size_t count = 0;

	if (spank_get_item(spank, S_JOB_ENV, &list) != ESPANK_SUCCESS)
		return NULL;
	while (list && list[count])
		count++;
	copy = calloc(count + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = strdup(list[i]);
		if (copy[i])
			continue;
		spank_environment_free(copy);
		return NULL;
	}
	return copy;
}

static const char *find_variable(char *const *environment, const char *name,
				 size_t len)
{
	for (; environment && *environment; environment++)
		if (strncmp(*environment, name, len) == 0 &&
		    (*environment)[len] == '=')
			return *environment + len + 1;
	return NULL;
}

static bool is_in(const char *text, const char *end, const char *name,
		  size_t len)
{
	for (; text < end && *text; text += strlen(text) + 1)
		if (strncmp(text, name, len) == 0 && text[len] == '=')
			return true;
	return false;
}

void spank_environment_apply(spank_t spank, char **before, char *text,
			     const char *end)
{
	for (char **e = before; e && *e; e++) {
		size_t len = strcspn(*e, "=");
		char name[256];

		if (len >= sizeof(name) || is_in(text, end, *e, len))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)len, *e);
		spank_unsetenv(spank, name);
	}
	for (; text < end && *text; text += strlen(text) + 1) {
		char *equals = strchr(text, '=');
		const char *old;

		if (!equals)
			continue;
		old = find_variable(before, text, (size_t)(equals - text));
		if (old && strcmp(old, equals + 1) == 0)
			continue;
		*equals = '\0';
		spank_setenv(spank, text, equals + 1, 1);
		*equals = '=';
	}
}
