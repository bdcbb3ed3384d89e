/* SPDX-License-Identifier: Apache-2.0 */
#include "common/error.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void replace_control_characters(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

int error_setv(struct error *err, int code, const char *fmt, va_list args)
{
	assert(code < 0);
	if (!err)
		return code;
	err->code = code;
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	replace_control_characters(err->text);
	return code;
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	error_setv(err, code, fmt, args);
	va_end(args);
	return code;
}

int error_prefix(struct error *err, int code, const char *fmt, ...)
{
	char rest[ERROR_TEXT_SIZE];
	char prefix[ERROR_TEXT_SIZE / 2];
	va_list args;

	if (!err)
		return code;
	memcpy(rest, err->text, sizeof(rest));
	va_start(args, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, args);
	va_end(args);
	return error_set(err, code, "%s: %.*s", prefix,
			 (int)(sizeof(rest) - sizeof(prefix) - 3), rest);
}

int error_set_errno(struct error *err, int code, const char *fmt, ...)
{
	char meaning[128];
	char text[ERROR_TEXT_SIZE - sizeof(meaning) - 3];
	va_list args;

	assert(code < 0);
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return error_set(err, code, "%s: %s", text,
			 strerror_r(-code, meaning, sizeof(meaning)));
}
