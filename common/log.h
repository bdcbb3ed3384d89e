/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * log: one logfmt line on stderr per event.
 *
 *	level=warn mod=fs op=read ino=42 off=65536 err=EIO text="..."
 *
 * Only fs/ and tools/ log above debug: every other module returns errors.
 * The level is the one mutable global of the program beside counters.
 *
 * Threads: any; a line is written by one write(2).
 */
#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_ERROR,
	LOG_WARN, /* the default */
	LOG_INFO,
	LOG_DEBUG,
};

/** log_set_level() - what is printed from now on; call before threads exist */
void log_set_level(enum log_level level);

/** log_is_enabled() - whether a line of this level would be printed */
bool log_is_enabled(enum log_level level);

/**
 * log_event() - print one line
 * @module: value of mod=
 * @fmt:    the rest in logfmt; put values from outside in quotes with
 *          text="%s": quotes and control characters within the formatted
 *          values are not escaped here, error_set() already made them harmless
 */
void log_event(enum log_level level, const char *module, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* How often one call site may speak: at most @burst lines per ten seconds. */
struct log_rate {
	int64_t window_start_ms;
	unsigned count;
};

/**
 * log_rate_allows() - ask before log_event() at a site that can repeat
 *
 * Not exact between threads: a line more or less does not matter.
 */
bool log_rate_allows(struct log_rate *rate, unsigned burst);

/** log_errno_name() - "EIO" for -EIO or EIO; "E?" when unknown */
const char *log_errno_name(int code);
