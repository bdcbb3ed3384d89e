/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/command_files.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "index/hint_fact.h"
#include "index/hint_import.h"
#include "index/hint_python.h"
#include "index/index_file.h"
#include "index/python_imports.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_DEFAULT                                                           \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum {
	WORDS_MAX = 64, /* of a shell's command line */
	SHELL_DEPTH_MAX = 4,
};

struct finder {
	const struct index_file *index;
	const char *const *env;
	struct hint_pythons *pythons; /* NULL until one is needed; owned */
	struct buffer *ret;
	unsigned depth; /* shells within shells */
};

static int add(struct finder *finder, uint32_t inode)
{
	return inode ? buffer_append(finder->ret, &inode, sizeof(inode)) : 0;
}

static uint32_t resolve(const struct finder *finder, const char *path,
			uint32_t type)
{
	struct index_inode inode;
	uint32_t number;

	if (index_file_resolve(finder->index, path, true, &number) < 0 ||
	    index_file_get_inode(finder->index, number, &inode) < 0 ||
	    (inode.mode & S_IFMT) != type)
		return 0;
	return number;
}

static const char *variable(const struct finder *finder, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; finder->env && finder->env[i]; i++)
		if (strncmp(finder->env[i], name, len) == 0 &&
		    finder->env[i][len] == '=')
			return finder->env[i] + len + 1;
	return NULL;
}

/* The program's path in the image; @ret is empty when it is not there. */
static uint32_t find_program(const struct finder *finder, const char *word,
			     char ret[PATH_MAX])
{
	const char *path = variable(finder, "PATH");
	uint32_t found;

	if (strchr(word, '/')) {
		snprintf(ret, PATH_MAX, "%s", word);
		return resolve(finder, ret, S_IFREG);
	}
	if (!path)
		path = PATH_DEFAULT;
	for (;;) {
		size_t size = strcspn(path, ":");

		if ((size_t)snprintf(ret, PATH_MAX, "%.*s/%s", (int)size, path,
				     word) < PATH_MAX) {
			found = resolve(finder, ret, S_IFREG);
			if (found)
				return found;
		}
		if (path[size] == '\0')
			return 0;
		path += size + 1;
	}
}

/* ---- Python ---- */

static int import(struct finder *finder, const struct hint_importer *importer,
		  const char *name, size_t size)
{
	return hint_import_resolve(importer, name, size, finder->ret);
}

static int import_text(struct finder *finder,
		       const struct hint_importer *importer, const char *text,
		       size_t size)
{
	struct buffer facts CLEANUP(buffer_fini) =
		BUFFER_INIT(HINT_FACT_SIZE_MAX);
	struct hint_fact fact;
	size_t off = 0;
	int r = python_imports_scan(text, size, true, &facts);

	while (r == 0 && hint_fact_next(facts.data, facts.size, &off, &fact))
		r = import(finder, importer, (const char *)fact.data,
			   fact.size);
	return r;
}

/* -c: "import a; b()" is one line, and statements one behind the other. */
static int import_code(struct finder *finder,
		       const struct hint_importer *importer, const char *code)
{
	autofree char *text = strdup(code);

	if (!text)
		return -ENOMEM;
	for (char *at = text; (at = strchr(at, ';')); at++) {
		*at = '\n';
		if (at[1] == ' ')
			memmove(at + 1, at + 1 + strspn(at + 1, " "),
				strlen(at + 1 + strspn(at + 1, " ")) + 1);
	}
	return import_text(finder, importer, text, strlen(text));
}

/* -m a.b: the module, or, of a package, its __main__. */
static int import_main(struct finder *finder,
		       const struct hint_importer *importer, const char *name)
{
	autofree char *main_name = NULL;
	size_t before = finder->ret->size;
	int r = import(finder, importer, "runpy", strlen("runpy"));

	if (r == 0)
		r = import(finder, importer, name, strlen(name));
	if (r < 0 || finder->ret->size == before)
		return r;
	if (asprintf(&main_name, "%s.__main__", name) < 0) {
		main_name = NULL;
		return -ENOMEM;
	}
	return import(finder, importer, main_name, strlen(main_name));
}

/* A script of the host's, that a bind or the working directory shows. */
static int import_host_script(struct finder *finder,
			      const struct hint_importer *importer,
			      const char *path)
{
	struct buffer text CLEANUP(buffer_fini) =
		BUFFER_INIT(COMMAND_FILES_SCRIPT_SIZE_MAX);
	struct error err = { 0 };
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
	    io_read_file(AT_FDCWD, path, &text, &err) < 0)
		return 0;
	return import_text(finder, importer, (const char *)text.data,
			   text.size);
}

/* The script itself has hints: its "#!" is not needed for that, its imports
 * were scanned when its name ends in ".py". */
static int import_script(struct finder *finder,
			 const struct hint_importer *importer, const char *path)
{
	uint32_t inode = resolve(finder, path, S_IFREG);

	return inode ? add(finder, inode)
		     : import_host_script(finder, importer, path);
}

/* Behind the interpreter's word. */
static int follow_python(struct finder *finder,
			 const struct hint_importer *importer,
			 const char *const *words)
{
	for (; *words; words++) {
		const char *word = *words;

		if (strcmp(word, "-c") == 0)
			return words[1]
				       ? import_code(finder, importer, words[1])
				       : 0;
		if (strcmp(word, "-m") == 0)
			return words[1]
				       ? import_main(finder, importer, words[1])
				       : 0;
		if (strcmp(word, "-W") == 0 || strcmp(word, "-X") == 0) {
			if (!words[1])
				return 0;
			words++;
		} else if (word[0] != '-') {
			return import_script(finder, importer, word);
		}
	}
	return 0;
}

/* The packages of a virtual environment that @path is the interpreter of, or
 * the first folder of PYTHONPATH. */
static uint32_t find_packages(const struct finder *finder, const char *path)
{
	const char *search = variable(finder, "PYTHONPATH");
	const char *slash = strrchr(path, '/');
	struct index_dirent dirent;
	char text[PATH_MAX + 64];
	uint32_t lib;

	snprintf(text, sizeof(text), "%.*s/../pyvenv.cfg", (int)(slash - path),
		 path);
	if (slash && resolve(finder, text, S_IFREG)) {
		snprintf(text, sizeof(text), "%.*s/../lib", (int)(slash - path),
			 path);
		lib = resolve(finder, text, S_IFDIR);
		if (lib && index_file_get_dirent(finder->index, lib, 0,
						 &dirent) == 0) {
			snprintf(text, sizeof(text),
				 "%.*s/../lib/%.*s/site-packages",
				 (int)(slash - path), path,
				 (int)dirent.name_size, dirent.name);
			return resolve(finder, text, S_IFDIR);
		}
	}
	if (!search)
		return 0;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(search, ":"), search);
	return resolve(finder, text, S_IFDIR);
}

/* ---- shells ---- */

static int follow(struct finder *finder, const char *const *argv);

/* The words of the first command of @line; what quotes hold is one word,
 * nothing is expanded.  @line is changed.  Returns what is behind the command,
 * NULL when nothing is. */
static char *split(char *line, const char *words[WORDS_MAX + 1])
{
	size_t count = 0;
	char *out = line;
	char *at = line;
	char quote = 0;
	bool in_word = false;
	bool has_more;

	for (; *at && (quote || !strchr(";&|\n", *at)); at++) {
		bool is_quote =
			quote ? *at == quote : *at == '"' || *at == '\'';

		if (!quote && (*at == ' ' || *at == '\t')) {
			if (in_word)
				*out++ = '\0';
			in_word = false;
			continue;
		}
		if (!in_word) {
			if (count == WORDS_MAX)
				break;
			words[count++] = out;
			in_word = true;
		}
		if (is_quote)
			quote = quote ? 0 : *at;
		else
			*out++ = *at;
	}
	has_more = *at != '\0';
	*out = '\0';
	words[count] = NULL;
	return has_more ? at + 1 : NULL;
}

static bool is_assignment(const char *word)
{
	size_t len = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz_0123456789");

	return len > 0 && word[len] == '=';
}

/* "$1" is the second of the words behind the line. */
static void put_parameters(const char *words[WORDS_MAX + 1],
			   const char *const *parameters)
{
	for (size_t i = 0; words[i]; i++) {
		const char *word = words[i];
		int left = word[0] == '$' && word[1] >= '1' && word[1] <= '9' &&
					   !word[2]
				   ? word[1] - '0'
				   : -1;
		const char *const *at = parameters;

		for (; *at && left > 0; left--)
			at++;
		if (left == 0 && *at)
			words[i] = *at;
	}
}

/* "cd /x; exec python3 y.py": each of its commands. */
static int follow_line(struct finder *finder, const char *text,
		       const char *const *parameters)
{
	autofree char *line = strdup(text);
	char *next = line;
	int r = line ? 0 : -ENOMEM;

	if (finder->depth == SHELL_DEPTH_MAX)
		return r;
	finder->depth++;
	while (r == 0 && next) {
		const char *words[WORDS_MAX + 1];
		const char *const *first = words;

		next = split(next, words);
		put_parameters(words, parameters);
		while (*first &&
		       (is_assignment(*first) || strcmp(*first, "exec") == 0))
			first++;
		if (*first)
			r = follow(finder, first);
	}
	finder->depth--;
	return r;
}

static bool is_shell(const char *name)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ash",
					      "zsh" };

	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++)
		if (strcmp(name, shells[i]) == 0)
			return true;
	return false;
}

static int follow_shell(struct finder *finder, const char *const *words)
{
	for (; *words && **words == '-'; words++)
		if (strchr(*words, 'c') && (*words)[1] != '-')
			return words[1] ? follow_line(finder, words[1],
						      words + 2)
					: 0;
	return *words ? add(finder, resolve(finder, *words, S_IFREG)) : 0;
}

/* ---- any ---- */

static int follow(struct finder *finder, const char *const *argv)
{
	char path[PATH_MAX] = "";
	uint32_t program = find_program(finder, argv[0], path);
	const char *slash = strrchr(argv[0], '/');
	int r;

	if (program == 0)
		return 0;
	r = add(finder, program);
	if (r == 0 && is_shell(slash ? slash + 1 : argv[0]))
		return follow_shell(finder, argv + 1);
	if (r == 0 && !finder->pythons)
		r = hint_pythons_create(finder->index, &finder->pythons);
	for (size_t i = 0; r == 0 && i < hint_pythons_count(finder->pythons);
	     i++) {
		struct hint_importer importer = {
			.index = finder->index,
			.pythons = finder->pythons,
			.python = i,
		};

		if (hint_pythons_interpreter(finder->pythons, i) != program)
			continue;
		importer.dir = find_packages(finder, path);
		return follow_python(finder, &importer, argv + 1);
	}
	return r;
}

int command_files_find(const struct index_file *index, const char *const *argv,
		       const char *const *env, struct buffer *ret)
{
	struct finder finder = { .index = index, .env = env, .ret = ret };
	int r = argv[0] ? follow(&finder, argv) : 0;

	hint_pythons_destroy(finder.pythons);
	return r;
}
