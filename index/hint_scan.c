/* SPDX-License-Identifier: Apache-2.0 */
#include "index/hint_scan.h"

#include "index/hint_fact.h"
#include "index/python_imports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC_SIZE = 4, SCRIPT_LINE_SIZE_MAX = 255 /* as Linux reads */ };

struct hint_scan *hint_scan_create(void)
{
	struct hint_scan *scan = calloc(1, sizeof(*scan));

	if (!scan)
		return NULL;
	scan->kind = HINT_SCAN_NOTHING;
	scan->text = (struct buffer)BUFFER_INIT(HINT_SCAN_TEXT_SIZE_MAX);
	scan->facts = (struct buffer)BUFFER_INIT(HINT_FACT_SIZE_MAX);
	return scan;
}

void hint_scan_destroy(struct hint_scan *scan)
{
	if (!scan)
		return;
	buffer_fini(&scan->text);
	buffer_fini(&scan->facts);
	free(scan);
}

void hint_scan_begin(struct hint_scan *scan, const char *path,
		     uint64_t file_size)
{
	scan->kind =
		file_size < MAGIC_SIZE ? HINT_SCAN_NOTHING : HINT_SCAN_UNKNOWN;
	scan->path = path;
	scan->file_size = file_size;
	scan->off = 0;
	scan->text.size = 0;
	scan->facts.size = 0;
}

/* ---- by name ---- */

static bool ends_with(const char *path, const char *ending)
{
	size_t path_len = strlen(path);
	size_t len = strlen(ending);

	return path_len > len && strcmp(path + path_len - len, ending) == 0;
}

/* Packages carry their tests along; a start does not import them. */
static bool is_python(const char *path)
{
	return ends_with(path, ".py") && !strstr(path, "/tests/") &&
	       !strstr(path, "/test/");
}

static bool is_extension(const char *path)
{
	return ends_with(path, ".so") &&
	       (strstr(path, ".cpython-3") || strstr(path, ".abi3."));
}

static bool is_loader_conf(const char *path)
{
	const char *etc = strstr(path, "etc/ld.so.conf");

	return etc && (etc == path || etc[-1] == '/') &&
	       (ends_with(path, ".conf"));
}

static enum hint_scan_kind kind_of(const struct hint_scan *scan,
				   const char *data, size_t size)
{
	if (size >= MAGIC_SIZE && memcmp(data, "\177ELF", MAGIC_SIZE) == 0)
		return HINT_SCAN_ELF;
	if (scan->file_size > HINT_SCAN_TEXT_SIZE_MAX)
		return HINT_SCAN_NOTHING;
	if ((size >= 2 && memcmp(data, "#!", 2) == 0) ||
	    is_python(scan->path) || is_loader_conf(scan->path))
		return HINT_SCAN_TEXT;
	return HINT_SCAN_NOTHING;
}

/* ---- texts ---- */

static size_t word_size(const char *at, const char *end)
{
	const char *start = at;

	while (at < end && *at != ' ' && *at != '\t' && *at != '\r')
		at++;
	return (size_t)(at - start);
}

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/* "#! /usr/bin/env python3": the interpreter and the rest of the line. */
static int read_first_line(struct hint_scan *scan, const char *text,
			   size_t size, bool *ret_is_python)
{
	const char *end =
		text +
		(size < SCRIPT_LINE_SIZE_MAX ? size : SCRIPT_LINE_SIZE_MAX);
	const char *line_end = memchr(text, '\n', (size_t)(end - text));
	const char *at;
	size_t n;
	int r;

	if (line_end)
		end = line_end;
	at = skip_space(text + 2, end);
	n = word_size(at, end);
	if (n == 0)
		return 0;
	r = hint_fact_add(&scan->facts, HINT_FACT_INTERPRETER, at, n);
	at = skip_space(at + n, end);
	while (end > at && (end[-1] == '\r' || end[-1] == ' '))
		end--;
	if (r == 0 && at < end)
		r = hint_fact_add(&scan->facts, HINT_FACT_ARGUMENT, at,
				  (size_t)(end - at));
	*ret_is_python = memmem(text, (size_t)(end - text), "python", 6);
	return r;
}

static int add_module(struct hint_scan *scan)
{
	const char *slash = strrchr(scan->path, '/');
	const char *name = slash ? slash + 1 : scan->path;

	return hint_fact_add(&scan->facts, HINT_FACT_MODULE, name,
			     strlen(name) - strlen(".py"));
}

static int scan_text(struct hint_scan *scan, const char *text, size_t size)
{
	bool is_main = false;
	int r = 0;

	if (is_loader_conf(scan->path))
		return hint_fact_add(&scan->facts, HINT_FACT_LOADER_CONF, text,
				     size);
	if (size >= 2 && memcmp(text, "#!", 2) == 0)
		r = read_first_line(scan, text, size, &is_main);
	if (r == 0 && is_python(scan->path))
		r = add_module(scan);
	if (r == 0 && (is_main || is_python(scan->path)))
		r = python_imports_scan(text, size, is_main, &scan->facts);
	return r;
}

/* Facts that do not fit are left out. */
static int without_limit(int r)
{
	return r == -EFBIG ? 0 : r;
}

/* The first bytes, which tell what it is, may come in several portions: they
 * wait in scan->text. */
static int begin_content(struct hint_scan *scan, const void *data, size_t size)
{
	char magic[MAGIC_SIZE];
	size_t waiting = scan->text.size;

	if (waiting + size < MAGIC_SIZE)
		return buffer_append(&scan->text, data, size);
	if (waiting)
		memcpy(magic, scan->text.data, waiting);
	memcpy(magic + waiting, data, MAGIC_SIZE - waiting);
	scan->kind = kind_of(scan, magic, MAGIC_SIZE);
	if (scan->kind == HINT_SCAN_ELF) {
		elf_scan_begin(&scan->elf, scan->file_size,
			       is_extension(scan->path));
		elf_scan_feed(&scan->elf, scan->text.data, waiting);
	}
	return 0;
}

int hint_scan_feed(struct hint_scan *scan, uint64_t off, const void *data,
		   size_t size)
{
	int r = 0;

	if (scan->kind == HINT_SCAN_NOTHING)
		return 0;
	if (off != scan->off) {
		scan->kind = HINT_SCAN_NOTHING;
		return 0;
	}
	scan->off += size;
	if (scan->kind == HINT_SCAN_UNKNOWN)
		r = begin_content(scan, data, size);
	if (scan->kind == HINT_SCAN_ELF)
		elf_scan_feed(&scan->elf, data, size);
	if (r < 0 || scan->kind != HINT_SCAN_TEXT)
		return r;
	if (size == scan->file_size)
		return without_limit(scan_text(scan, data, size));
	return without_limit(buffer_append(&scan->text, data, size));
}

int hint_scan_end(struct hint_scan *scan)
{
	enum hint_scan_kind kind = scan->kind;

	scan->kind = HINT_SCAN_NOTHING;
	if (kind == HINT_SCAN_ELF)
		return elf_scan_end(&scan->elf, &scan->facts);
	if (kind == HINT_SCAN_TEXT && scan->text.size == scan->file_size)
		return without_limit(scan_text(
			scan, (const char *)scan->text.data, scan->text.size));
	return 0;
}
