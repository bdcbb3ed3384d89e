/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * variable_list: a shell's variables, some of them exported.
 *
 * Threads: one at a time.
 */
#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	VARIABLE_LIST_COUNT_MAX = 65536,
};

struct variable {
	char *text; /* "NAME=value"; owned */
	size_t name_len;
	bool is_exported;
	bool is_new; /* set since variable_list_mark() */
};

/* Starts as = { 0 }. */
struct variable_list {
	struct variable *variables; /* in the order of their first setting */
	size_t count;
	size_t capacity;
};

void variable_list_fini(struct variable_list *list);

/** variable_list_copy() - @ret is empty before; 0, -ENOMEM */
int variable_list_copy(const struct variable_list *list,
		       struct variable_list *ret);

/**
 * variable_list_set() - give a variable a value
 * @is_exported: export it; else it stays as it was
 *
 * Return: 0, -EFBIG (VARIABLE_LIST_COUNT_MAX), -ENOMEM.
 */
int variable_list_set(struct variable_list *list, const char *name,
		      size_t name_len, const char *value, bool is_exported);

/** variable_list_set_text() - the same for "NAME=value", exported; a text
 * without a name or '=' is passed over */
int variable_list_set_text(struct variable_list *list, const char *text);

/** variable_list_mark() - from now on, what is set is new */
void variable_list_mark(struct variable_list *list);

/** variable_list_export() - one that has no value yet gets none */
void variable_list_export(struct variable_list *list, const char *name,
			  size_t name_len);

void variable_list_unset(struct variable_list *list, const char *name,
			 size_t name_len);

/** variable_list_find() - the value, or NULL */
const char *variable_list_find(const struct variable_list *list,
			       const char *name, size_t name_len);

/**
 * variable_list_to_environment() - the exported ones as execve() takes them
 * @ret: malloc'ed, NULL-ended; its strings belong to the list
 *
 * Return: 0, -ENOMEM.
 */
int variable_list_to_environment(const struct variable_list *list,
				 const char ***ret);
