/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * shell_expand: one word of a shell's language, expanded.
 *
 * Quotes ($'' too), backslashes, $NAME, ${NAME}, ${NAME:-word} with its kin (-
 * + = and with a colon), `command` and $(command) by a function of the
 * caller's.  What else a shell knows ($1, ${NAME%x}, $((1)), ~, patterns) is
 * -ENOTSUP.
 *
 * Threads: any; the variables belong to the caller.
 */
#include "common/variable_list.h"

#include <stddef.h>

struct buffer;

enum {
	SHELL_EXPAND_SIZE_MAX = 4 << 20, /* of one word's value */
	SHELL_EXPAND_DEPTH_MAX = 16,
};

/**
 * shell_expand_substitute_fn() - what a command prints, for $(command)
 * @command: NUL-ended
 * @ret:     appended to, without trailing newlines
 *
 * Return: 0; -ENOTSUP where no command can be run; other negative errno.
 */
typedef int shell_expand_substitute_fn(void *arg, const char *command,
				       const struct variable_list *variables,
				       struct buffer *ret);

struct shell_expand {
	struct variable_list *variables; /* changed by ${NAME:=word} alone */
	shell_expand_substitute_fn *substitute; /* NULL: -ENOTSUP */
	void *arg;				/* of substitute */
};

/** shell_expand_skip_word() - where the word that begins at @text ends: at an
 * unquoted blank, newline or one of ; & | < > ( ); NULL when a quote or brace
 * in it is never closed */
const char *shell_expand_skip_word(const char *text);

/**
 * shell_expand_word() - the value of @size bytes that are one word
 * @ret: appended to, not NUL-ended
 *
 * Fields are not split and patterns not matched, as in an assignment.
 *
 * Return: 0, -ENOTSUP, -EINVAL (a quote or brace is never closed), -EFBIG,
 * -ENOMEM, or what the substitution returned.
 */
int shell_expand_word(const struct shell_expand *expand, const char *text,
		      size_t size, struct buffer *ret);

/** shell_expand_quoted() - the same within double quotes: blanks, quotes and
 * patterns stand for themselves */
int shell_expand_quoted(const struct shell_expand *expand, const char *text,
			struct buffer *ret);

/** shell_expand_name_len() - of the variable's name that @text begins with; 0:
 * none */
size_t shell_expand_name_len(const char *text);
