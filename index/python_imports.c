/* SPDX-License-Identifier: Apache-2.0 */
#include "index/python_imports.h"

#include "index/hint_fact.h"

#include <errno.h>
#include <string.h>

enum {
	STATEMENT_SIZE_MAX = 4 << 10, /* one fact: module and names */
	TAB_WIDTH = 8,
	NO_INDENT = -1,
};

struct scan {
	const char *at; /* the next byte */
	const char *end;
	bool is_main;
	struct buffer *facts;
	char quote;	 /* of the string that spans lines, else 0 */
	int skip_indent; /* lines deeper than that are skipped */
};

/* What an import statement says, as a fact. */
struct statement {
	char data[STATEMENT_SIZE_MAX];
	size_t size;
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || (unsigned char)c >= 0x80;
}

static bool starts_with(const char *at, const char *end, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(end - at) >= len && memcmp(at, text, len) == 0;
}

/* The same, and the word ends there. */
static bool is_keyword(const char *at, const char *end, const char *text)
{
	size_t len = strlen(text);

	return starts_with(at, end, text) &&
	       ((size_t)(end - at) == len || !is_word(at[len]));
}

/* ---- one statement ---- */

/* Blanks and continued lines; within brackets also newlines and comments. */
static void skip_blanks(struct scan *scan, bool in_brackets)
{
	while (scan->at < scan->end) {
		char c = *scan->at;

		if (c == ' ' || c == '\t' || c == '\r' || c == '\f' ||
		    (in_brackets && c == '\n')) {
			scan->at++;
		} else if (c == '\\' && scan->end - scan->at > 1 &&
			   (scan->at[1] == '\n' || scan->at[1] == '\r')) {
			scan->at += 2;
		} else if (in_brackets && c == '#') {
			const char *line_end = memchr(
				scan->at, '\n', (size_t)(scan->end - scan->at));

			scan->at = line_end ? line_end : scan->end;
		} else {
			return;
		}
	}
}

/* A name, or with @dotted a module's; false when there is none. */
static bool take_name(struct scan *scan, bool dotted, const char **ret,
		      size_t *ret_size)
{
	const char *start = scan->at;

	while (scan->at < scan->end &&
	       (is_word(*scan->at) || (dotted && *scan->at == '.')))
		scan->at++;
	*ret = start;
	*ret_size = (size_t)(scan->at - start);
	return *ret_size > 0;
}

static void append(struct statement *statement, const char *data, size_t size)
{
	size_t separator = statement->size > 0;

	if (size + separator > sizeof(statement->data) - statement->size)
		return;
	if (separator)
		statement->data[statement->size++] = '\0';
	memcpy(statement->data + statement->size, data, size);
	statement->size += size;
}

static int emit(struct scan *scan, const struct statement *statement)
{
	int r = hint_fact_add(scan->facts, HINT_FACT_IMPORT, statement->data,
			      statement->size);

	return r == -EFBIG ? 0 : r;
}

/* "as name", when that follows */
static void skip_alias(struct scan *scan, bool in_brackets)
{
	const char *name;
	size_t size;

	skip_blanks(scan, in_brackets);
	if (!is_keyword(scan->at, scan->end, "as"))
		return;
	scan->at += strlen("as");
	skip_blanks(scan, in_brackets);
	take_name(scan, false, &name, &size);
	skip_blanks(scan, in_brackets);
}

static bool take_comma(struct scan *scan, bool in_brackets)
{
	if (scan->at == scan->end || *scan->at != ',')
		return false;
	scan->at++;
	skip_blanks(scan, in_brackets);
	return true;
}

/* import a.b as c, d */
static int parse_import(struct scan *scan)
{
	int r = 0;

	scan->at += strlen("import");
	skip_blanks(scan, false);
	do {
		struct statement statement = { .size = 0 };
		const char *name;
		size_t size;

		if (!take_name(scan, true, &name, &size) || name[0] == '.')
			break;
		append(&statement, name, size);
		if (statement.size)
			r = emit(scan, &statement);
		skip_alias(scan, false);
	} while (r == 0 && take_comma(scan, false));
	return r;
}

/* from ..a import (b as c, d) */
static int parse_from(struct scan *scan)
{
	struct statement statement = { .size = 0 };
	bool in_brackets;
	const char *name;
	size_t size;

	scan->at += strlen("from");
	skip_blanks(scan, false);
	if (!take_name(scan, true, &name, &size))
		return 0;
	append(&statement, name, size);
	skip_blanks(scan, false);
	if (statement.size == 0 || !is_keyword(scan->at, scan->end, "import"))
		return 0;
	scan->at += strlen("import");
	skip_blanks(scan, false);
	in_brackets = scan->at < scan->end && *scan->at == '(';
	if (in_brackets) {
		scan->at++;
		skip_blanks(scan, true);
	}
	do {
		if (!take_name(scan, false, &name, &size))
			break; /* "*", or the closing bracket */
		append(&statement, name, size);
		skip_alias(scan, in_brackets);
	} while (take_comma(scan, in_brackets));
	return emit(scan, &statement);
}

/* ---- lines ---- */

static bool contains(const char *at, const char *end, const char *text)
{
	return memmem(at, (size_t)(end - at), text, strlen(text)) != NULL;
}

/* "if os.environ.get("NAME"):" asks for what hardly any job has set. */
static bool asks_environment(const char *at, const char *end)
{
	static const char *const calls[] = { "os.environ.get(", "os.getenv(",
					     "environ.get(" };

	at += strlen("if");
	while (at < end && *at == ' ')
		at++;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		const char *close = memchr(at, ')', (size_t)(end - at));

		if (starts_with(at, end, calls[i]) && close &&
		    !memchr(at, ',', (size_t)(close - at)) &&
		    starts_with(close, end, "):"))
			return true;
	}
	return false;
}

/* Whether what is indented below this line runs when the module is loaded. */
static bool begins_other_block(const struct scan *scan, const char *at,
			       const char *end)
{
	switch (*at) {
	case 'a':
		return starts_with(at, end, "async def ");
	case 'd':
		return starts_with(at, end, "def ");
	case 'e':
		return is_keyword(at, end, "except");
	case 'i':
		return is_keyword(at, end, "if") &&
		       (contains(at, end, "TYPE_CHECKING") ||
			contains(at, end, "win32") ||
			asks_environment(at, end) ||
			(!scan->is_main && contains(at, end, "__name__")));
	default:
		return false;
	}
}

static const char *find_triple(const char *at, const char *end, char quote)
{
	while (end - at >= 3) {
		at = memchr(at, quote, (size_t)(end - at));
		if (!at || end - at < 3)
			return NULL;
		if (at[1] == quote && at[2] == quote)
			return at;
		at++;
	}
	return NULL;
}

/* The end of a string within its line; @at is behind its quote. */
static const char *skip_string(const char *at, const char *end, char quote)
{
	for (; at < end && *at != quote; at++)
		if (*at == '\\' && end - at > 1)
			at++;
	return at < end ? at + 1 : end;
}

/* Whether a string that was opened on this line goes on behind it. */
static void follow_quotes(struct scan *scan, const char *at, const char *end)
{
	if (!find_triple(at, end, '"') && !find_triple(at, end, '\''))
		return;
	while (at < end && *at != '#') {
		char c = *at++;
		const char *close;

		if (c != '"' && c != '\'')
			continue;
		if (end - at < 2 || at[0] != c || at[1] != c) {
			at = skip_string(at, end, c);
			continue;
		}
		close = find_triple(at + 2, end, c);
		if (!close) {
			scan->quote = c;
			return;
		}
		at = close + 3;
	}
}

static int indent_of(const char **at, const char *end)
{
	int indent = 0;

	for (; *at < end && (**at == ' ' || **at == '\t' || **at == '\f');
	     (*at)++)
		indent = **at == '\t' ? (indent / TAB_WIDTH + 1) * TAB_WIDTH
				      : indent + 1;
	return indent;
}

/* A line that no string spans; scan->at is behind it, and behind more when a
 * statement goes on. */
static int scan_line(struct scan *scan, const char *start, const char *end)
{
	const char *at = start;
	int indent = indent_of(&at, end);
	int r = 0;

	if (at == end || *at == '#' || *at == '\r')
		return 0;
	if (scan->skip_indent != NO_INDENT && indent <= scan->skip_indent &&
	    !memchr(")]}", *at, 3))
		scan->skip_indent = NO_INDENT;
	if (scan->skip_indent == NO_INDENT) {
		if (is_keyword(at, end, "import") ||
		    is_keyword(at, end, "from")) {
			scan->at = at;
			r = *at == 'i' ? parse_import(scan) : parse_from(scan);
			if (scan->at < end)
				scan->at = end;
			return r;
		}
		if (begins_other_block(scan, at, end))
			scan->skip_indent = indent;
	}
	follow_quotes(scan, at, end);
	return 0;
}

int python_imports_scan(const char *text, size_t size, bool is_main,
			struct buffer *facts)
{
	struct scan scan = {
		.at = text,
		.end = text + size,
		.is_main = is_main,
		.facts = facts,
		.skip_indent = NO_INDENT,
	};
	int r = 0;

	while (scan.at < scan.end && r == 0) {
		const char *start = scan.at;
		const char *end =
			memchr(start, '\n', (size_t)(scan.end - start));
		const char *close;

		if (!end)
			end = scan.end;
		scan.at = end;
		if (!scan.quote) {
			r = scan_line(&scan, start, end);
		} else {
			close = find_triple(start, end, scan.quote);
			if (close) {
				scan.quote = 0;
				follow_quotes(&scan, close + 3, end);
			}
		}
		if (scan.at < scan.end && *scan.at == '\n')
			scan.at++;
	}
	return r;
}
