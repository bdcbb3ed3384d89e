/* SPDX-License-Identifier: Apache-2.0 */
#include "common/shell_expand.h"

#include "common/buffer.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where expanding stands. */
struct state {
	const struct shell_expand *expand;
	const char *text; /* next byte */
	const char *end;
	unsigned depth;
	bool is_quoted;	   /* within "" */
	bool is_in_braces; /* within ${NAME:-word} */
	struct buffer *ret;
};

size_t shell_expand_name_len(const char *text)
{
	size_t len = 0;

	if (!isalpha((unsigned char)text[0]) && text[0] != '_')
		return 0;
	while (isalnum((unsigned char)text[len]) || text[len] == '_')
		len++;
	return len;
}

static const char *skip_single(const char *text, const char *end)
{
	const char *close = memchr(text + 1, '\'', (size_t)(end - text - 1));

	return close ? close + 1 : NULL;
}

static const char *skip_backquote(const char *text, const char *end)
{
	for (text++; text < end; text++) {
		if (*text == '\\' && text + 1 < end)
			text++;
		else if (*text == '`')
			return text + 1;
	}
	return NULL;
}

static const char *skip_escapes(const char *text, const char *end)
{
	for (; text < end; text++) {
		if (*text == '\\' && text + 1 < end)
			text++;
		else if (*text == '\'')
			return text + 1;
	}
	return NULL;
}

static const char *skip_one(const char *text, const char *end, unsigned depth);

/* To behind the byte that closes what begins at @text. */
static const char *skip_until(const char *text, const char *end, char close,
			      unsigned depth)
{
	if (depth > SHELL_EXPAND_DEPTH_MAX)
		return NULL;
	while (text && text < end) {
		if (*text == close)
			return text + 1;
		/* In "", a single quote is one. */
		if (close == '"' && *text == '\'')
			text++;
		else
			text = skip_one(text, end, depth + 1);
	}
	return NULL;
}

/* To behind one byte, or behind what it opens; NULL: never closed. */
static const char *skip_one(const char *text, const char *end, unsigned depth)
{
	switch (*text) {
	case '\\':
		return text + 1 < end ? text + 2 : text + 1;
	case '\'':
		return skip_single(text, end);
	case '"':
		return skip_until(text + 1, end, '"', depth);
	case '`':
		return skip_backquote(text, end);
	case '$':
		if (text + 1 < end && text[1] == '(')
			return skip_until(text + 2, end, ')', depth);
		if (text + 1 < end && text[1] == '{')
			return skip_until(text + 2, end, '}', depth);
		if (text + 1 < end && text[1] == '\'' && depth == 0)
			return skip_escapes(text + 2, end);
		return text + 1;
	case '(': /* within $() alone */
		return depth ? skip_until(text + 1, end, ')', depth) : text + 1;
	default:
		return text + 1;
	}
}

const char *shell_expand_skip_word(const char *text)
{
	const char *end = text + strlen(text);

	while (text && text < end && !strchr(" \t\n;&|<>()", *text))
		text = skip_one(text, end, 0);
	return text;
}

static int expand_all(struct state *state);

static int append(struct state *state, const char *data, size_t size)
{
	return buffer_append(state->ret, data, size);
}

/* Expands @size bytes at @text as the state's own are. */
static int expand_part(struct state *state, const char *text, size_t size)
{
	struct state part = *state;

	if (++part.depth > SHELL_EXPAND_DEPTH_MAX)
		return -EFBIG;
	part.text = text;
	part.end = text + size;
	return expand_all(&part);
}

static int substitute(struct state *state, const char *text, size_t size)
{
	const struct shell_expand *expand = state->expand;
	char *command;
	int r;

	if (!expand->substitute)
		return -ENOTSUP;
	command = strndup(text, size);
	if (!command)
		return -ENOMEM;
	r = expand->substitute(expand->arg, command, expand->variables,
			       state->ret);
	free(command);
	return r;
}

/* `command`: a backslash counts in front of ` \ and $ only. */
static int expand_backquote(struct state *state)
{
	const char *close = skip_backquote(state->text, state->end);
	char *command;
	size_t size = 0;
	int r;

	if (!close)
		return -EINVAL;
	command = malloc((size_t)(close - state->text));
	if (!command)
		return -ENOMEM;
	for (const char *c = state->text + 1; c < close - 1; c++) {
		if (*c == '\\' && strchr("`\\$", c[1]))
			c++;
		command[size++] = *c;
	}
	state->text = close;
	r = substitute(state, command, size);
	free(command);
	return r;
}

/* The word of ${NAME:-word}. */
static int expand_alternative(struct state *state, const char *word,
			      size_t size)
{
	struct state part = *state;

	part.is_in_braces = true;
	return expand_part(&part, word, size);
}

/* ${NAME:=word}: the value is the variable's from now on. */
static int assign(struct state *state, const char *name, size_t name_len,
		  const char *word, size_t word_size)
{
	struct buffer value CLEANUP(buffer_fini) =
		BUFFER_INIT(SHELL_EXPAND_SIZE_MAX);
	struct state part = *state;
	int r;

	part.ret = &value;
	r = expand_alternative(&part, word, word_size);
	if (r == 0)
		r = buffer_terminate(&value);
	if (r == 0)
		r = variable_list_set(state->expand->variables, name, name_len,
				      (const char *)value.data, false);
	return r < 0 ? r : append(state, (const char *)value.data, value.size);
}

/* @text is behind "${", @close at its '}'. */
static int expand_braces(struct state *state, const char *text,
			 const char *close)
{
	size_t name_len = shell_expand_name_len(text);
	const char *word = text + name_len;
	const char *value;
	bool is_set;
	char operation;

	if (name_len == 0)
		return -ENOTSUP;
	value = variable_list_find(state->expand->variables, text, name_len);
	if (word == close)
		return value ? append(state, value, strlen(value)) : 0;
	is_set = value != NULL;
	if (*word == ':') {
		is_set = value && *value;
		word++;
	}
	operation = *word++;
	if (word > close || !strchr("-+=", operation))
		return -ENOTSUP;
	if (operation == '+')
		return is_set ? expand_alternative(state, word,
						   (size_t)(close - word))
			      : 0;
	if (is_set)
		return append(state, value, strlen(value));
	if (operation == '=')
		return assign(state, text, name_len, word,
			      (size_t)(close - word));
	return expand_alternative(state, word, (size_t)(close - word));
}

/* The byte that stands behind a backslash in $''; *@text is moved on. */
static char decode_escape(const char **text, const char *end)
{
	static const char letters[] = "abefnrtv";
	static const char values[] = "\a\b\033\f\n\r\t\v";
	const char *letter = strchr(letters, **text);
	unsigned value = 0;
	unsigned count = 0;

	if (letter && *letter) {
		(*text)++;
		return values[letter - letters];
	}
	for (; count < 3 && *text < end && **text >= '0' && **text <= '7';
	     count++)
		value = value * 8 + (unsigned)(*(*text)++ - '0');
	return count > 0 ? (char)value : *(*text)++;
}

/* $'...', as shells print what no other quote can hold. */
static int expand_escapes(struct state *state, const char *text)
{
	int r = 0;

	while (r == 0 && text < state->end && *text != '\'') {
		char c = *text++;

		if (c == '\\' && text < state->end)
			c = decode_escape(&text, state->end);
		r = append(state, &c, 1);
	}
	if (r == 0 && text >= state->end)
		return -EINVAL;
	state->text = text + 1;
	return r;
}

static int expand_dollar(struct state *state)
{
	const char *text = state->text + 1;
	const char *close;
	const char *value;
	size_t len;

	if (text >= state->end)
		return append(state, state->text++, 1);
	if (*text == '\'' && !state->is_quoted)
		return expand_escapes(state, text + 1);
	if (*text == '{' || *text == '(') {
		close = skip_one(state->text, state->end, state->depth);
		if (!close)
			return -EINVAL;
		state->text = close;
		if (*text == '{')
			return expand_braces(state, text + 1, close - 1);
		if (text[1] == '(')
			return -ENOTSUP; /* arithmetic */
		return substitute(state, text + 1, (size_t)(close - text) - 2);
	}
	len = shell_expand_name_len(text);
	if (len > (size_t)(state->end - text))
		len = (size_t)(state->end - text);
	if (len == 0) {
		/* "$" before a blank or quote is itself. */
		if (isalnum((unsigned char)*text) || strchr("@*#?-$!", *text))
			return -ENOTSUP;
		return append(state, state->text++, 1);
	}
	state->text = text + len;
	value = variable_list_find(state->expand->variables, text, len);
	return value ? append(state, value, strlen(value)) : 0;
}

static int expand_backslash(struct state *state)
{
	const char *text = state->text;

	if (text + 1 >= state->end) {
		state->text++;
		return append(state, "\\", 1);
	}
	state->text += 2;
	if (text[1] == '\n')
		return 0;
	if (state->is_quoted && !strchr("$`\"\\", text[1]))
		return append(state, text, 2);
	return append(state, text + 1, 1);
}

static int expand_single(struct state *state)
{
	const char *text = state->text + 1;
	const char *close = skip_single(state->text, state->end);

	if (!close)
		return -EINVAL;
	state->text = close;
	return append(state, text, (size_t)(close - 1 - text));
}

static int expand_double(struct state *state)
{
	const char *text = state->text + 1;
	const char *close = skip_until(text, state->end, '"', state->depth);
	struct state part = *state;

	if (!close)
		return -EINVAL;
	state->text = close;
	part.is_quoted = true;
	part.is_in_braces = false;
	return expand_part(&part, text, (size_t)(close - 1 - text));
}

static int expand_next(struct state *state)
{
	char c = *state->text;

	if (c == '$')
		return expand_dollar(state);
	if (c == '`')
		return expand_backquote(state);
	if (c == '\\')
		return expand_backslash(state);
	/* Within "${NAME:-"word"}" the inner quotes vanish. */
	if (c == '"' && (!state->is_quoted || state->is_in_braces))
		return expand_double(state);
	if (c == '\'' && !state->is_quoted)
		return expand_single(state);
	if (!state->is_quoted && strchr("*?[~", c))
		return -ENOTSUP;
	return append(state, state->text++, 1);
}

static int expand_all(struct state *state)
{
	int r = 0;

	while (r == 0 && state->text < state->end)
		r = expand_next(state);
	return r;
}

int shell_expand_word(const struct shell_expand *expand, const char *text,
		      size_t size, struct buffer *ret)
{
	struct state state = {
		.expand = expand,
		.text = text,
		.end = text + size,
		.ret = ret,
	};

	return expand_all(&state);
}

int shell_expand_quoted(const struct shell_expand *expand, const char *text,
			struct buffer *ret)
{
	struct state state = {
		.expand = expand,
		.text = text,
		.end = text + strlen(text),
		.is_quoted = true,
		.ret = ret,
	};

	return expand_all(&state);
}
