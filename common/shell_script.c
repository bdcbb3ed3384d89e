/* SPDX-License-Identifier: Apache-2.0 */
#include "common/shell_script.h"

#include "common/error.h"
#include "common/shell_builtin.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORDS_MAX = 64, /* of one command */
	DEPTH_MAX = 32, /* of if in if */
};

struct script {
	const char *begin;
	const char *next;
	struct shell_expand expand;
	struct error *err;
	bool status; /* of the last command: whether it succeeded */
	unsigned depth;
};

static int say(const struct script *script, int code, const char *what)
{
	unsigned line = 1;

	for (const char *c = script->begin; c < script->next; c++)
		line += *c == '\n';
	return error_set(script->err, code, "line %u: %s", line, what);
}

/* Blanks, continued lines and a comment; newlines too when asked for. */
static void skip_blanks(struct script *script, bool newlines)
{
	for (;;) {
		const char *next = script->next;

		if (*next == ' ' || *next == '\t' || *next == '\r')
			script->next++;
		else if (next[0] == '\\' && next[1] == '\n')
			script->next += 2;
		else if (*next == '#')
			script->next += strcspn(next, "\n");
		else if (newlines && (*next == '\n' || *next == ';'))
			script->next++;
		else
			return;
	}
}

/* 0 with an empty word where a command ends. */
static int read_word(struct script *script, struct shell_builtin_word *ret)
{
	const char *end;

	skip_blanks(script, false);
	end = shell_expand_skip_word(script->next);
	if (!end)
		return say(script, -EINVAL, "a quote is never closed");
	*ret = (struct shell_builtin_word){ script->next,
					    (size_t)(end - script->next) };
	script->next = end;
	return 0;
}

static bool is_keyword(const struct shell_builtin_word *word)
{
	static const char *const keywords[] = {
		"if",	"then", "elif", "else", "fi", "for", "while",	"until",
		"case", "do",	"done", "esac", "{",  "}",   "function"
	};

	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (shell_builtin_is(word, keywords[i]))
			return true;
	return false;
}

/* Looks at the command's first word without taking it. */
static int peek(struct script *script, struct shell_builtin_word *ret)
{
	int r;

	*ret = (struct shell_builtin_word){ 0 };
	skip_blanks(script, true);
	r = read_word(script, ret);
	if (ret->text)
		script->next = ret->text;
	return r;
}

static int run_words(struct script *script,
		     const struct shell_builtin_word *words, size_t count)
{
	const char *why = NULL;
	int r = shell_builtin_run(&script->expand, words, count,
				  &script->status, &why);

	return r < 0 ? say(script, r, why) : 0;
}

static int read_words(struct script *script,
		      struct shell_builtin_word words[WORDS_MAX],
		      size_t *ret_count)
{
	size_t count = 0;

	for (;;) {
		int r;

		if (count == WORDS_MAX)
			return say(script, -ENOTSUP, "a very long command");
		r = read_word(script, &words[count]);
		if (r < 0)
			return r;
		if (words[count].size == 0)
			break;
		count++;
	}
	*ret_count = count;
	return 0;
}

static int run_if(struct script *script);

/* One command without && and ||; newlines in front of it may be skipped. */
static int run_simple(struct script *script)
{
	struct shell_builtin_word words[WORDS_MAX];
	size_t first = 0;
	size_t count = 0;
	struct shell_builtin_word word;
	int r = peek(script, &word);

	if (r < 0)
		return r;
	if (shell_builtin_is(&word, "if"))
		return run_if(script);
	if (is_keyword(&word))
		return say(script, -ENOTSUP, "a construct only a shell knows");
	r = read_words(script, words, &count);
	if (r < 0)
		return r;
	while (first < count && shell_builtin_is(&words[first], "!"))
		first++;
	if (first == count)
		return say(script, -ENOTSUP, "a construct only a shell knows");
	r = run_words(script, words + first, count - first);
	if (r == 0 && first % 2)
		script->status = !script->status;
	return r;
}

/* Takes "&&" or "||"; '\0' when the list of commands ends. */
static int take_operator(struct script *script, char *ret)
{
	const char *next;

	skip_blanks(script, false);
	next = script->next;
	if ((next[0] == '&' || next[0] == '|') && next[1] == next[0]) {
		*ret = next[0];
		script->next += 2;
		return 0;
	}
	*ret = '\0';
	if (*next && !strchr("\n;", *next))
		return say(script, -ENOTSUP, "a construct only a shell knows");
	return 0;
}

/* What is not executed has to be understood as far as its end. */
static int skip_simple(struct script *script)
{
	struct shell_builtin_word words[WORDS_MAX];
	struct shell_builtin_word word;
	size_t count;
	int r = peek(script, &word);

	if (r < 0)
		return r;
	if (is_keyword(&word))
		return say(script, -ENOTSUP, "a construct only a shell knows");
	return read_words(script, words, &count);
}

/* Commands joined by && and ||. */
static int run_list(struct script *script)
{
	int r = run_simple(script);

	while (r == 0) {
		char operation;

		r = take_operator(script, &operation);
		if (r < 0 || operation == '\0')
			break;
		if (script->status == (operation == '&'))
			r = run_simple(script);
		else
			r = skip_simple(script);
	}
	return r;
}

/* Commands up to one of the keywords that may end them, which is next. */
static int run_until(struct script *script, bool may_else,
		     struct shell_builtin_word *ret)
{
	for (;;) {
		int r = peek(script, ret);

		if (r < 0)
			return r;
		if (ret->size == 0 && *script->next == '\0')
			return say(script, -EINVAL, "an if is never closed");
		if (shell_builtin_is(ret, "then") ||
		    shell_builtin_is(ret, "fi") ||
		    (may_else && (shell_builtin_is(ret, "else") ||
				  shell_builtin_is(ret, "elif"))))
			return 0;
		r = run_list(script);
		if (r < 0)
			return r;
	}
}

/* The words of a branch that is not taken, to the keyword that ends it. */
static int skip_branch(struct script *script, struct shell_builtin_word *ret)
{
	unsigned depth = 0;
	bool is_first = true; /* where a keyword may stand */

	for (;;) {
		const char *before;
		int r;

		before = script->next;
		skip_blanks(script, true);
		is_first |=
			script->next != before &&
			memchr(before, '\n', (size_t)(script->next - before));
		is_first |=
			script->next > before &&
			memchr(before, ';', (size_t)(script->next - before));
		if (*script->next == '\0')
			return say(script, -EINVAL, "an if is never closed");
		r = read_word(script, ret);
		if (r < 0)
			return r;
		if (ret->size == 0) {
			script->next++; /* & | < > ( ) */
			is_first = true;
			continue;
		}
		if (is_first && depth == 0 &&
		    (shell_builtin_is(ret, "fi") ||
		     shell_builtin_is(ret, "else") ||
		     shell_builtin_is(ret, "elif"))) {
			script->next = ret->text;
			return 0;
		}
		if (is_first && shell_builtin_is(ret, "if"))
			depth++;
		else if (is_first && shell_builtin_is(ret, "fi"))
			depth--;
		is_first = is_first && (shell_builtin_is(ret, "if") ||
					shell_builtin_is(ret, "then") ||
					shell_builtin_is(ret, "else") ||
					shell_builtin_is(ret, "do"));
	}
}

static int take(struct script *script, const char *keyword)
{
	struct shell_builtin_word word;
	int r = peek(script, &word);

	if (r < 0)
		return r;
	if (!shell_builtin_is(&word, keyword))
		return say(script, -EINVAL, "an if without its keywords");
	script->next += word.size;
	return 0;
}

/* Condition and branch, from behind "if" or "elif" to the next keyword. */
static int run_branch(struct script *script, bool *has_run,
		      struct shell_builtin_word *ret)
{
	bool is_taken;
	int r = run_until(script, false, ret);

	is_taken = script->status;
	if (r == 0)
		r = take(script, "then");
	if (r < 0)
		return r;
	if (!is_taken)
		return skip_branch(script, ret);
	*has_run = true;
	return run_until(script, true, ret);
}

static int run_if(struct script *script)
{
	bool has_run = false;
	struct shell_builtin_word word;
	int r = take(script, "if");

	if (r == 0 && ++script->depth > DEPTH_MAX)
		r = say(script, -ENOTSUP, "more nesting than a script needs");
	if (r == 0)
		r = run_branch(script, &has_run, &word);
	while (r == 0 && !shell_builtin_is(&word, "fi")) {
		bool is_else = shell_builtin_is(&word, "else");

		script->next += word.size;
		if (has_run)
			r = skip_branch(script, &word);
		else if (!is_else)
			r = run_branch(script, &has_run, &word);
		else
			r = run_until(script, false, &word);
		has_run |= is_else;
	}
	script->depth--;
	return r < 0 ? r : take(script, "fi");
}

static int run_all(struct script *script)
{
	for (;;) {
		int r;

		skip_blanks(script, true);
		if (*script->next == '\0')
			return 0;
		r = run_list(script);
		if (r < 0)
			return r;
	}
}

int shell_script_run(const char *text, const struct shell_expand *expand,
		     struct error *err)
{
	struct variable_list variables = { 0 };
	struct script script = {
		.begin = text,
		.next = text,
		.expand = *expand,
		.err = err,
		.status = true,
	};
	int r = variable_list_copy(expand->variables, &variables);

	script.expand.variables = &variables;
	if (r == 0)
		r = run_all(&script);
	if (r == 0) {
		struct variable_list old = *expand->variables;

		*expand->variables = variables;
		variables = old;
	}
	variable_list_fini(&variables);
	return r;
}
