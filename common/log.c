/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include "common/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

/* Written before threads exist, read afterwards. */
static enum log_level current_level = LOG_WARN;

void log_set_level(enum log_level level)
{
	current_level = level;
}

bool log_is_enabled(enum log_level level)
{
	return level <= current_level;
}

void log_event(enum log_level level, const char *module, const char *fmt, ...)
{
	char line[2048];
	size_t size;
	va_list args;
	int n;

	if (!log_is_enabled(level))
		return;
	n = snprintf(line, sizeof(line), "level=%s mod=%s ", level_names[level],
		     module);
	size = (size_t)n;
	va_start(args, fmt);
	n = vsnprintf(line + size, sizeof(line) - size - 1, fmt, args);
	va_end(args);
	if (n > 0)
		size += strlen(line + size);
	line[size++] = '\n';
	if (write(STDERR_FILENO, line, size) < 0)
		return; /* nobody to tell */
}

bool log_rate_allows(struct log_rate *rate, unsigned burst)
{
	int64_t now_ms = clock_ms();
	int64_t start_ms =
		__atomic_load_n(&rate->window_start_ms, __ATOMIC_RELAXED);

	if (start_ms == 0 || now_ms - start_ms > 10000) {
		__atomic_store_n(&rate->window_start_ms, now_ms,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&rate->count, 0, __ATOMIC_RELAXED);
	}
	return __atomic_fetch_add(&rate->count, 1, __ATOMIC_RELAXED) < burst;
}

const char *log_errno_name(int code)
{
	const char *name = strerrorname_np(abs(code));

	return name ? name : "E?";
}
