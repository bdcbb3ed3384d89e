/* SPDX-License-Identifier: Apache-2.0 */
#include "common/shell_builtin.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/shell_expand.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct command {
	const struct shell_expand *expand;
	bool status;	 /* whether it succeeded */
	const char *why; /* it cannot be run */
};

static int say(struct command *command, int code, const char *what)
{
	command->why = what;
	return code;
}

bool shell_builtin_is(const struct shell_builtin_word *word, const char *text)
{
	return word->size == strlen(text) &&
	       memcmp(word->text, text, word->size) == 0;
}

/* NAME=value at the front of a word; 0: none. */
static size_t assignment_len(const struct shell_builtin_word *word)
{
	size_t len = shell_expand_name_len(word->text);

	return len < word->size && word->text[len] == '=' ? len : 0;
}

static int expand_word(struct command *command, const char *text, size_t size,
		       struct buffer *ret)
{
	int r = shell_expand_word(command->expand, text, size, ret);

	if (r == 0)
		r = buffer_terminate(ret);
	if (r == -ENOTSUP)
		return say(command, r, "an expansion that only a shell knows");
	return r < 0 ? say(command, r, "a word cannot be expanded") : 0;
}

static int set(struct command *command, const struct shell_builtin_word *word,
	       size_t name_len, bool is_exported)
{
	struct buffer value CLEANUP(buffer_fini) =
		BUFFER_INIT(SHELL_EXPAND_SIZE_MAX);
	int r = expand_word(command, word->text + name_len + 1,
			    word->size - name_len - 1, &value);

	if (r < 0)
		return r;
	r = variable_list_set(command->expand->variables, word->text, name_len,
			      (const char *)value.data, is_exported);
	return r < 0 ? say(command, r, "a variable cannot be set") : 0;
}

/* export NAME, export NAME=value, export 'NAME'=value; readonly the same,
 * without exporting */
static int export_words(struct command *command,
			const struct shell_builtin_word *words, size_t count,
			bool is_exported)
{
	for (size_t i = 1; i < count; i++) {
		size_t len = assignment_len(&words[i]);
		int r = 0;

		if (len > 0)
			r = set(command, &words[i], len, is_exported);
		else if (shell_expand_name_len(words[i].text) != words[i].size)
			r = say(command, -ENOTSUP,
				"an export of no plain name");
		else if (is_exported)
			variable_list_export(command->expand->variables,
					     words[i].text, words[i].size);
		if (r < 0)
			return r;
	}
	command->status = true;
	return 0;
}

static int unset_words(struct command *command,
		       const struct shell_builtin_word *words, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (shell_expand_name_len(words[i].text) != words[i].size)
			return say(command, -ENOTSUP,
				   "an unset of no plain name");
		variable_list_unset(command->expand->variables, words[i].text,
				    words[i].size);
	}
	command->status = true;
	return 0;
}

/* An unquoted $NAME would be split into fields, or vanish. */
static bool may_split(const struct shell_builtin_word *word)
{
	return memchr(word->text, '$', word->size) &&
	       (word->text[0] != '"' || word->text[word->size - 1] != '"');
}

static int test_one(struct command *command,
		    const struct shell_builtin_word *operation,
		    const struct shell_builtin_word *word, bool *ret)
{
	struct buffer value CLEANUP(buffer_fini) =
		BUFFER_INIT(SHELL_EXPAND_SIZE_MAX);
	struct stat st;
	const char *text;
	int r;

	if (may_split(word))
		return say(command, -ENOTSUP, "a test of an unquoted word");
	r = expand_word(command, word->text, word->size, &value);
	if (r < 0)
		return r;
	text = (const char *)value.data;
	if (shell_builtin_is(operation, "-n"))
		*ret = *text != '\0';
	else if (shell_builtin_is(operation, "-z"))
		*ret = *text == '\0';
	else if (shell_builtin_is(operation, "-e"))
		*ret = access(text, F_OK) == 0;
	else if (shell_builtin_is(operation, "-r"))
		*ret = access(text, R_OK) == 0;
	else if (shell_builtin_is(operation, "-x"))
		*ret = access(text, X_OK) == 0;
	else if (shell_builtin_is(operation, "-f"))
		*ret = stat(text, &st) == 0 && S_ISREG(st.st_mode);
	else if (shell_builtin_is(operation, "-d"))
		*ret = stat(text, &st) == 0 && S_ISDIR(st.st_mode);
	else
		return say(command, -ENOTSUP, "a test that only a shell knows");
	return 0;
}

static int test_equal(struct command *command,
		      const struct shell_builtin_word *left,
		      const struct shell_builtin_word *right, bool *ret)
{
	struct buffer a CLEANUP(buffer_fini) =
		BUFFER_INIT(SHELL_EXPAND_SIZE_MAX);
	struct buffer b CLEANUP(buffer_fini) =
		BUFFER_INIT(SHELL_EXPAND_SIZE_MAX);
	int r;

	if (may_split(left) || may_split(right))
		return say(command, -ENOTSUP, "a test of an unquoted word");
	r = expand_word(command, left->text, left->size, &a);
	if (r == 0)
		r = expand_word(command, right->text, right->size, &b);
	if (r == 0)
		*ret = strcmp((char *)a.data, (char *)b.data) == 0;
	return r;
}

/* The words behind "test" or between the brackets. */
static int test_words(struct command *command,
		      const struct shell_builtin_word *words, size_t count)
{
	bool is_negative = false;
	bool result = false;
	int r;

	if (count > 0 && shell_builtin_is(&words[0], "!")) {
		is_negative = true;
		words++;
		count--;
	}
	if (count == 2)
		r = test_one(command, &words[0], &words[1], &result);
	else if (count == 3 && (shell_builtin_is(&words[1], "=") ||
				shell_builtin_is(&words[1], "==") ||
				shell_builtin_is(&words[1], "!=")))
		r = test_equal(command, &words[0], &words[2], &result);
	else
		r = say(command, -ENOTSUP, "a test that only a shell knows");
	if (r < 0)
		return r;
	if (count == 3 && shell_builtin_is(&words[1], "!="))
		result = !result;
	command->status = result != is_negative;
	return 0;
}

static int set_words(struct command *command,
		     const struct shell_builtin_word *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = assignment_len(&words[i]);
		int r;

		if (len == 0)
			return say(command, -ENOTSUP,
				   "a command that only a shell knows");
		r = set(command, &words[i], len, false);
		if (r < 0)
			return r;
	}
	command->status = true;
	return 0;
}

static int run(struct command *command, const struct shell_builtin_word *words,
	       size_t count)
{
	if (shell_builtin_is(&words[0], "export"))
		return export_words(command, words, count, true);
	if (shell_builtin_is(&words[0], "readonly"))
		return export_words(command, words, count, false);
	if (shell_builtin_is(&words[0], "unset"))
		return unset_words(command, words, count);
	if (shell_builtin_is(&words[0], "test"))
		return test_words(command, words + 1, count - 1);
	if (shell_builtin_is(&words[0], "[") &&
	    shell_builtin_is(&words[count - 1], "]"))
		return test_words(command, words + 1, count - 2);
	if (shell_builtin_is(&words[0], ":") ||
	    shell_builtin_is(&words[0], "true")) {
		command->status = true;
		return 0;
	}
	if (shell_builtin_is(&words[0], "false")) {
		command->status = false;
		return 0;
	}
	return set_words(command, words, count);
}

int shell_builtin_run(const struct shell_expand *expand,
		      const struct shell_builtin_word *words, size_t count,
		      bool *ret_status, const char **ret_why)
{
	struct command command = { .expand = expand };
	int r;

	assert(count > 0);
	r = run(&command, words, count);
	if (r < 0)
		*ret_why = command.why;
	else
		*ret_status = command.status;
	return r;
}
