/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * option: command-line options from static tables.
 *
 * A table says everything about its options once: names, argument, default
 * and help.  Parsing, environment variables, configuration files, `--help`
 * and the man-page check (tests/lint) all read it.
 *
 * Values land in a struct of the command's, at the offset the table gives:
 *   OPTION_FLAG bool · OPTION_TEXT const char * (borrowed from argv or the
 *   environment) · OPTION_LIST struct option_list · OPTION_SIZE uint64_t bytes
 *   · OPTION_DURATION uint64_t milliseconds · OPTION_NUMBER uint64_t
 */
#include "common/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct error;

enum option_kind {
	OPTION_FLAG,
	OPTION_TEXT,
	OPTION_LIST,
	OPTION_SIZE,
	OPTION_DURATION,
	OPTION_NUMBER,
	OPTION_REFUSED, /* known, and not to be had: help is the reason */
};

struct option {
	const char *name; /* without "--"; NULL ends a table */
	char short_name;  /* 0: none */
	enum option_kind kind;
	const char *argument;	 /* "DIR"; NULL for flags */
	const char *help;	 /* one line, default in brackets */
	const char *environment; /* "LAZYRUN_CACHEDIR", or NULL */
	size_t offset;		 /* of the value in the command's struct */
	/* Names, separated by spaces, that the environment has behind
	 * "APPTAINER_" or "SINGULARITY_"; the first one set counts, a list
	 * takes all.  `environment` overrules them. */
	const char *twins;
	/* The letter means this option only if the next word has this form:
	 * letters that mean something else in another table. */
	bool (*is_form)(const char *next_word);
};

enum { OPTION_LIST_MAX = 16384 };

/* Repeated values, in order; option_list_fini() frees the array only. */
struct option_list {
	const char **values;
	size_t count;
};

void option_list_fini(struct option_list *list);

/**
 * option_parse() - parse options and collect operands
 * @tables:       NULL-ended; searched in order
 * @values:       the struct the offsets refer to; defaults already in it
 * @stop_early:   the first operand ends the options (the rest belongs to the
 *                job); else options and operands mix, and "--" ends them
 * @argv:         argument vector from the first word to parse, NULL-ended;
 *                operands are moved to its front
 * @ret_count:    operands, now argv[0] to argv[count - 1], NULL-ended
 *
 * Return: 0, or -EINVAL with @err naming the option and what it wants;
 * -ENOPROTOOPT for one that is in no table (in Apptainer's words), -ENOTSUP for
 * one that is refused.
 */
int option_parse(const struct option *const *tables, void *values,
		 bool stop_early, char **argv, int *ret_count,
		 struct error *err);

/**
 * option_format() - the words from which option_parse() makes @values
 * @tables: without lists
 * @ret:    each word malloc'ed, and the array, NULL-ended; NULL on failure
 *
 * What is false, zero or NULL is left out.  Return: 0 or -ENOMEM.
 */
int option_format(const struct option *const *tables, const void *values,
		  char ***ret);

/** option_free_words() - what option_format() gave; NULL is fine */
void option_free_words(char **words);

/** option_takes_next() - whether the option that @word is has its value in the
 * word behind it */
bool option_takes_next(const struct option *const *tables, const char *word);

/** option_set() - set one option by its long name, as a config file does;
 * -ENOENT when no table has it, -EINVAL as option_parse() */
int option_set(const struct option *const *tables, void *values,
	       const char *name, const char *text, struct error *err);

/** option_keeps_text() - whether option_set() keeps the text it is given, as
 * texts and lists do */
bool option_keeps_text(const struct option *const *tables, const char *name);

/**
 * option_load_environment() - apply the variables that tables name, their twins
 * first
 * @lists: those of lists only, which come behind the command line's; else all
 *         others, which the command line overrules
 *
 * An empty one counts as not set.  Return: as option_parse().
 */
int option_load_environment(const struct option *const *tables, bool lists,
			    void *values, struct error *err);

/** option_print() - the tables as aligned text; what is refused
 * is left out */
void option_print(FILE *out, const struct option *const *tables);
