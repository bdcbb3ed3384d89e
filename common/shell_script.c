/* SPDX-License-Identifier: Apache-2.0 */
#include "common/shell_script.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	WORDS_MAX = 64, /* of one command */
	DEPTH_MAX = 32, /* of if in if */
};

/* A word as it is written. */
struct word {
	const char *text;
	size_t size;
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

static bool is(const struct word *word, const char *text)
{
	return word->size == strlen(text) &&
	       memcmp(word->text, text, word->size) == 0;
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
static int read_word(struct script *script, struct word *ret)
{
	const char *end;

	skip_blanks(script, false);
	end = shell_expand_skip_word(script->next);
	if (!end)
		return say(script, -EINVAL, "a quote is never closed");
	*ret = (struct word){ script->next, (size_t)(end - script->next) };
	script->next = end;
	return 0;
}

static bool is_keyword(const struct word *word)
{
	static const char *const keywords[] = {
		"if",	"then", "elif", "else", "fi", "for", "while",	"until",
		"case", "do",	"done", "esac", "{",  "}",   "function"
	};

	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (is(word, keywords[i]))
			return true;
	return false;
}

/* Looks at the command's first word without taking it. */
static int peek(struct script *script, struct word *ret)
{
	int r;

	*ret = (struct word){ 0 };
	skip_blanks(script, true);
	r = read_word(script, ret);
	if (ret->text)
		script->next = ret->text;
	return r;
}

/* NAME=value at the front of a word; 0: none. */
static size_t assignment_len(const struct word *word)
{
	size_t len = shell_expand_name_len(word->text);

	return len < word->size && word->text[len] == '=' ? len : 0;
}

static int expand_word(struct script *script, const char *text, size_t size,
		       struct buffer *ret)
{
	int r = shell_expand_word(&script->expand, text, size, ret);

	if (r == 0)
		r = buffer_terminate(ret);
	if (r == -ENOTSUP)
		return say(script, r, "an expansion that only a shell knows");
	return r < 0 ? say(script, r, "a word cannot be expanded") : 0;
}

static int set(struct script *script, const struct word *word, size_t name_len,
	       bool is_exported)
{
	struct buffer value CLEANUP(buffer_fini) =
		BUFFER_INIT(SHELL_EXPAND_SIZE_MAX);
	int r = expand_word(script, word->text + name_len + 1,
			    word->size - name_len - 1, &value);

	if (r < 0)
		return r;
	r = variable_list_set(script->expand.variables, word->text, name_len,
			      (const char *)value.data, is_exported);
	return r < 0 ? say(script, r, "a variable cannot be set") : 0;
}

/* export NAME, export NAME=value, export 'NAME'=value; readonly the same,
 * without exporting */
static int export_words(struct script *script, const struct word *words,
			size_t count, bool is_exported)
{
	for (size_t i = 1; i < count; i++) {
		size_t len = assignment_len(&words[i]);
		int r = 0;

		if (len > 0)
			r = set(script, &words[i], len, is_exported);
		else if (shell_expand_name_len(words[i].text) != words[i].size)
			r = say(script, -ENOTSUP, "an export of no plain name");
		else if (is_exported)
			variable_list_export(script->expand.variables,
					     words[i].text, words[i].size);
		if (r < 0)
			return r;
	}
	script->status = true;
	return 0;
}

static int unset_words(struct script *script, const struct word *words,
		       size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (shell_expand_name_len(words[i].text) != words[i].size)
			return say(script, -ENOTSUP,
				   "an unset of no plain name");
		variable_list_unset(script->expand.variables, words[i].text,
				    words[i].size);
	}
	script->status = true;
	return 0;
}

/* An unquoted $NAME would be split into fields, or vanish. */
static bool may_split(const struct word *word)
{
	return memchr(word->text, '$', word->size) &&
	       (word->text[0] != '"' || word->text[word->size - 1] != '"');
}

static int test_one(struct script *script, const struct word *operation,
		    const struct word *word, bool *ret)
{
	struct buffer value CLEANUP(buffer_fini) =
		BUFFER_INIT(SHELL_EXPAND_SIZE_MAX);
	struct stat st;
	const char *text;
	int r;

	if (may_split(word))
		return say(script, -ENOTSUP, "a test of an unquoted word");
	r = expand_word(script, word->text, word->size, &value);
	if (r < 0)
		return r;
	text = (const char *)value.data;
	if (is(operation, "-n"))
		*ret = *text != '\0';
	else if (is(operation, "-z"))
		*ret = *text == '\0';
	else if (is(operation, "-e"))
		*ret = access(text, F_OK) == 0;
	else if (is(operation, "-r"))
		*ret = access(text, R_OK) == 0;
	else if (is(operation, "-x"))
		*ret = access(text, X_OK) == 0;
	else if (is(operation, "-f"))
		*ret = stat(text, &st) == 0 && S_ISREG(st.st_mode);
	else if (is(operation, "-d"))
		*ret = stat(text, &st) == 0 && S_ISDIR(st.st_mode);
	else
		return say(script, -ENOTSUP, "a test that only a shell knows");
	return 0;
}

static int test_equal(struct script *script, const struct word *left,
		      const struct word *right, bool *ret)
{
	struct buffer a CLEANUP(buffer_fini) =
		BUFFER_INIT(SHELL_EXPAND_SIZE_MAX);
	struct buffer b CLEANUP(buffer_fini) =
		BUFFER_INIT(SHELL_EXPAND_SIZE_MAX);
	int r;

	if (may_split(left) || may_split(right))
		return say(script, -ENOTSUP, "a test of an unquoted word");
	r = expand_word(script, left->text, left->size, &a);
	if (r == 0)
		r = expand_word(script, right->text, right->size, &b);
	if (r == 0)
		*ret = strcmp((char *)a.data, (char *)b.data) == 0;
	return r;
}

/* The words behind "test" or between the brackets. */
static int test_words(struct script *script, const struct word *words,
		      size_t count)
{
	bool is_negative = false;
	bool result = false;
	int r;

	if (count > 0 && is(&words[0], "!")) {
		is_negative = true;
		words++;
		count--;
	}
	if (count == 2)
		r = test_one(script, &words[0], &words[1], &result);
	else if (count == 3 && (is(&words[1], "=") || is(&words[1], "==") ||
				is(&words[1], "!=")))
		r = test_equal(script, &words[0], &words[2], &result);
	else
		r = say(script, -ENOTSUP, "a test that only a shell knows");
	if (r < 0)
		return r;
	if (count == 3 && is(&words[1], "!="))
		result = !result;
	script->status = result != is_negative;
	return 0;
}

static int set_words(struct script *script, const struct word *words,
		     size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = assignment_len(&words[i]);
		int r;

		if (len == 0)
			return say(script, -ENOTSUP,
				   "a command that only a shell knows");
		r = set(script, &words[i], len, false);
		if (r < 0)
			return r;
	}
	script->status = true;
	return 0;
}

static int run_words(struct script *script, const struct word *words,
		     size_t count)
{
	if (is(&words[0], "export"))
		return export_words(script, words, count, true);
	if (is(&words[0], "readonly"))
		return export_words(script, words, count, false);
	if (is(&words[0], "unset"))
		return unset_words(script, words, count);
	if (is(&words[0], "test"))
		return test_words(script, words + 1, count - 1);
	if (is(&words[0], "[") && is(&words[count - 1], "]"))
		return test_words(script, words + 1, count - 2);
	if (is(&words[0], ":") || is(&words[0], "true")) {
		script->status = true;
		return 0;
	}
	if (is(&words[0], "false")) {
		script->status = false;
		return 0;
	}
	return set_words(script, words, count);
}

static int read_words(struct script *script, struct word words[WORDS_MAX],
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
	struct word words[WORDS_MAX];
	size_t first = 0;
	size_t count = 0;
	struct word word;
	int r = peek(script, &word);

	if (r < 0)
		return r;
	if (is(&word, "if"))
		return run_if(script);
	if (is_keyword(&word))
		return say(script, -ENOTSUP, "a construct only a shell knows");
	r = read_words(script, words, &count);
	if (r < 0)
		return r;
	while (first < count && is(&words[first], "!"))
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
	struct word words[WORDS_MAX];
	struct word word;
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
static int run_until(struct script *script, bool may_else, struct word *ret)
{
	for (;;) {
		int r = peek(script, ret);

		if (r < 0)
			return r;
		if (ret->size == 0 && *script->next == '\0')
			return say(script, -EINVAL, "an if is never closed");
		if (is(ret, "then") || is(ret, "fi") ||
		    (may_else && (is(ret, "else") || is(ret, "elif"))))
			return 0;
		r = run_list(script);
		if (r < 0)
			return r;
	}
}

/* The words of a branch that is not taken, to the keyword that ends it. */
static int skip_branch(struct script *script, struct word *ret)
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
		    (is(ret, "fi") || is(ret, "else") || is(ret, "elif"))) {
			script->next = ret->text;
			return 0;
		}
		if (is_first && is(ret, "if"))
			depth++;
		else if (is_first && is(ret, "fi"))
			depth--;
		is_first = is_first && (is(ret, "if") || is(ret, "then") ||
					is(ret, "else") || is(ret, "do"));
	}
}

static int take(struct script *script, const char *keyword)
{
	struct word word;
	int r = peek(script, &word);

	if (r < 0)
		return r;
	if (!is(&word, keyword))
		return say(script, -EINVAL, "an if without its keywords");
	script->next += word.size;
	return 0;
}

/* Condition and branch, from behind "if" or "elif" to the next keyword. */
static int run_branch(struct script *script, bool *has_run, struct word *ret)
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
	struct word word;
	int r = take(script, "if");

	if (r == 0 && ++script->depth > DEPTH_MAX)
		r = say(script, -ENOTSUP, "more nesting than a script needs");
	if (r == 0)
		r = run_branch(script, &has_run, &word);
	while (r == 0 && !is(&word, "fi")) {
		bool is_else = is(&word, "else");

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
