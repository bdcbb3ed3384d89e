/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_ref_text.h"

#include "common/error.h"
#include "image/image_name.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int image_ref_text_format(char **ret, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(ret, fmt, args);
	va_end(args);
	if (n >= 0)
		return 0;
	*ret = NULL;
	return -ENOMEM;
}

const char *image_ref_text_skip(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

int image_ref_text_check_host(const char *text, const char *host,
			      struct error *err)
{
	if (image_name_is_host(host))
		return 0;
	return error_set(err, -EINVAL,
			 "%.200s: \"%.140s\" is not a host name with or "
			 "without a port",
			 text, host);
}
