/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * error: what went wrong, in words, beside the negative errno that says so to
 * the program.  The convention is written in docs/errors.md.
 *
 * A struct error lives on the caller's stack, allocates nothing and needs no
 * release.  Functions that a person's message may come from take a trailing
 * `struct error *err`, which may be NULL.
 *
 * Threads: no shared state; a struct error belongs to one thread at a time.
 */
#include <stdarg.h>

enum { ERROR_TEXT_SIZE = 1024 };

struct error {
	int code;		    /* negative errno, 0 while unused */
	char text[ERROR_TEXT_SIZE]; /* one sentence, no newline, may be cut */
};

/**
 * error_set() - say what went wrong
 * @err:  where to write; NULL is allowed and then only @code is returned
 * @code: negative errno
 * @fmt:  printf format of one sentence: cause first, next step last
 *
 * Control characters that came from outside are replaced by '?'.
 *
 * Return: @code, so that `return error_set(err, -EPROTO, ...)` reads well.
 */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** error_setv() - error_set() with a va_list */
int error_setv(struct error *err, int code, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

/**
 * error_prefix() - put context in front of an existing text ("layer 3: ...")
 * @err: an error that was set; NULL is allowed
 *
 * Return: @code unchanged.
 */
int error_prefix(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * error_set_errno() - error_set() with ": <meaning of the errno>" appended
 * @code: negative errno, usually -errno of the call that failed
 */
int error_set_errno(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
