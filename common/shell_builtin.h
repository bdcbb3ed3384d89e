/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * shell_builtin: one command of a shell that needs no program: assignments,
 * export, readonly, unset, test and [, ":", true, false.
 *
 * Threads: any; the variables belong to the caller.
 */
#include <stdbool.h>
#include <stddef.h>

struct shell_expand;

/* A word as it is written; borrowed. */
struct shell_builtin_word {
	const char *text;
	size_t size;
};

/** shell_builtin_is() - whether the word is @text, unquoted */
bool shell_builtin_is(const struct shell_builtin_word *word, const char *text);

/**
 * shell_builtin_run() - run one
 * @expand:     of its words; its variables are changed
 * @words:      at least one; those of assignments too
 * @ret_status: whether the command succeeded
 * @ret_why:    on failure what cannot be run; a literal
 *
 * Files are tested in this process' root and directory.
 *
 * Return: 0; -ENOTSUP (only a shell can), -EINVAL, -EFBIG, -ENOMEM, or what the
 * substitution returned.
 */
int shell_builtin_run(const struct shell_expand *expand,
		      const struct shell_builtin_word *words, size_t count,
		      bool *ret_status, const char **ret_why);
