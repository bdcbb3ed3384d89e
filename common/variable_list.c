/* SPDX-License-Identifier: Apache-2.0 */
#include "common/variable_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void variable_list_fini(struct variable_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->variables[i].text);
	free(list->variables);
	*list = (struct variable_list){ 0 };
}

static struct variable *find(const struct variable_list *list, const char *name,
			     size_t name_len)
{
	for (size_t i = 0; i < list->count; i++) {
		struct variable *variable = &list->variables[i];

		if (variable->name_len == name_len &&
		    memcmp(variable->text, name, name_len) == 0)
			return variable;
	}
	return NULL;
}

static int append(struct variable_list *list, const struct variable *variable)
{
	if (list->count >= VARIABLE_LIST_COUNT_MAX)
		return -EFBIG;
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 64;
		struct variable *grown =
			realloc(list->variables, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->variables = grown;
		list->capacity = capacity;
	}
	list->variables[list->count++] = *variable;
	return 0;
}

int variable_list_set(struct variable_list *list, const char *name,
		      size_t name_len, const char *value, bool is_exported)
{
	size_t value_size = strlen(value) + 1;
	struct variable *old = find(list, name, name_len);
	struct variable new = {
		.text = malloc(name_len + 1 + value_size),
		.name_len = name_len,
		.is_exported = is_exported,
		.is_new = true,
	};
	int r;

	if (!new.text)
		return -ENOMEM;
	memcpy(new.text, name, name_len);
	new.text[name_len] = '=';
	memcpy(new.text + name_len + 1, value, value_size);
	if (old) {
		free(old->text);
		old->text = new.text;
		old->is_exported |= is_exported;
		old->is_new = true;
		return 0;
	}
	r = append(list, &new);
	if (r < 0)
		free(new.text);
	return r;
}

int variable_list_set_text(struct variable_list *list, const char *text)
{
	size_t name_len = strcspn(text, "=");

	if (name_len == 0 || text[name_len] != '=')
		return 0;
	return variable_list_set(list, text, name_len, text + name_len + 1,
				 true);
}

int variable_list_copy(const struct variable_list *list,
		       struct variable_list *ret)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct variable *variable = &list->variables[i];
		int r = variable_list_set(
			ret, variable->text, variable->name_len,
			variable->text + variable->name_len + 1,
			variable->is_exported);

		if (r < 0)
			return r;
		/* Names are unique: it is the last one. */
		ret->variables[ret->count - 1].is_new = variable->is_new;
	}
	return 0;
}

void variable_list_mark(struct variable_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		list->variables[i].is_new = false;
}

void variable_list_export(struct variable_list *list, const char *name,
			  size_t name_len)
{
	struct variable *variable = find(list, name, name_len);

	if (variable)
		variable->is_exported = true;
}

void variable_list_unset(struct variable_list *list, const char *name,
			 size_t name_len)
{
	struct variable *variable = find(list, name, name_len);
	size_t rest;

	if (!variable)
		return;
	free(variable->text);
	rest = list->count - (size_t)(variable - list->variables) - 1;
	memmove(variable, variable + 1, rest * sizeof(*variable));
	list->count--;
}

const char *variable_list_find(const struct variable_list *list,
			       const char *name, size_t name_len)
{
	const struct variable *variable = find(list, name, name_len);

	return variable ? variable->text + name_len + 1 : NULL;
}

int variable_list_to_environment(const struct variable_list *list,
				 const char ***ret)
{
	const char **environment =
		calloc(list->count + 1, sizeof(*environment));
	size_t count = 0;

	if (!environment)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		if (list->variables[i].is_exported)
			environment[count++] = list->variables[i].text;
	*ret = environment;
	return 0;
}
