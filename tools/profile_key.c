/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/profile_key.h"

#include "common/hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static bool takes_code(const char *option)
{
	return strcmp(option, "-c") == 0 || strcmp(option, "-m") == 0 ||
	       strcmp(option, "-e") == 0;
}

/* Appends printable characters; the rest of them become '?'. */
static void append(char ret[PROFILE_KEY_SIZE], size_t *size, const char *text)
{
	for (; *text && *size < PROFILE_KEY_SIZE - 1; text++)
		ret[(*size)++] = *text >= ' ' && *text <= '~' ? *text : '?';
	ret[*size] = '\0';
}

static void append_words(char ret[PROFILE_KEY_SIZE], const char *const *words,
			 size_t count)
{
	char hash_text[20];
	uint64_t hash = 0;
	size_t size = 0;
	size_t whole = 0;

	for (size_t i = 0; i < count; i++) {
		whole += strlen(words[i]) + (i > 0);
		hash = hash * 31 + hash_xxh3(words[i], strlen(words[i]));
		if (i > 0)
			append(ret, &size, " ");
		append(ret, &size, words[i]);
	}
	if (whole < PROFILE_KEY_SIZE)
		return;
	snprintf(hash_text, sizeof(hash_text), "#%08" PRIx32, (uint32_t)hash);
	size = PROFILE_KEY_SIZE - 1 - strlen(hash_text);
	append(ret, &size, hash_text);
}

void profile_key_format(const char *const *argv, char ret[PROFILE_KEY_SIZE])
{
	const char *words[3];
	size_t count = 0;

	assert(argv[0]);
	words[count++] = *argv[0] ? base_name(argv[0]) : "?";
	for (size_t i = 1; argv[i] && count == 1; i++) {
		if (takes_code(argv[i]) && argv[i + 1]) {
			words[count++] = argv[i];
			words[count++] = argv[i + 1];
		} else if (argv[i][0] != '-' && argv[i][0]) {
			words[count++] = base_name(argv[i]);
		}
	}
	append_words(ret, words, count);
}
