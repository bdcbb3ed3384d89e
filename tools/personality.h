/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * personality: whom the command stands in for.
 *
 * Called apptainer or singularity (a link to lazyrun), it tells its version,
 * its errors and its failures as Apptainer does, because batch systems read
 * those: HTCondor looks for "apptainer" in the version, GlideinWMS for "FATAL:"
 * in the errors.  Options and subcommands are the same under every name.
 *
 * Threads: any; no state.
 */
#include <stdbool.h>
#include <stddef.h>

struct error;

/* The Apptainer whose behaviour is the pattern. */
#define PERSONALITY_APPTAINER_VERSION "1.4.5"

enum exit_style {
	EXIT_STYLE_DOCKER,    /* 125 to 127; 2: wrong usage */
	EXIT_STYLE_APPTAINER, /* 255; 1: wrong usage */
};

/** personality_is_apptainer() - by the last component of @argv0 */
bool personality_is_apptainer(const char *argv0);

/** personality_is_interpreter() - run-singularity: what the first line of a SIF
 * names, so that the file itself can be executed.  It has no subcommand */
bool personality_is_interpreter(const char *argv0);

/** personality_format_version() - what `version` prints */
void personality_format_version(bool is_apptainer, const char *own_version,
				char *ret, size_t size);

/**
 * personality_parse_exit_style() - "docker" or "apptainer"
 * @text: NULL: as @is_apptainer says
 *
 * Return: 0, -EINVAL with @err.
 */
int personality_parse_exit_style(const char *text, bool is_apptainer,
				 enum exit_style *ret, struct error *err);
