/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cgroup_scope.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "tools/size_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Says to the program within that it is within. */
static const char mark[] = "LAZYRUN_IN_SCOPE";

enum {
	ARGUMENTS_SIZE_MAX = 8 << 20, /* Linux' own bound is 6 MiB */
	CGROUP_FILE_SIZE_MAX = 64 << 10,
};

__attribute__((format(printf, 2, 3))) static void add(
	struct cgroup_scope_properties *properties, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(properties->texts[properties->count++],
		  CGROUP_SCOPE_PROPERTY_SIZE, fmt, args);
	va_end(args);
}

static int say_wrong(const char *option, const char *text, const char *form,
		     struct error *err)
{
	return error_set(err, -EINVAL, "--%s \"%.40s\": write %s", option, text,
			 form);
}

/* What docker calls swap is memory and swap together. */
static int add_swap(const struct cgroup_scope *scope,
		    struct cgroup_scope_properties *ret, struct error *err)
{
	uint64_t both = 0;

	if (!scope->memory_swap)
		return 0;
	if (strcmp(scope->memory_swap, "-1") == 0) {
		add(ret, "MemorySwapMax=infinity");
		return 0;
	}
	if (size_text_parse(scope->memory_swap, "--memory-swap", &both, NULL) <
		    0 ||
	    scope->memory == 0 || both < scope->memory)
		return say_wrong("memory-swap", scope->memory_swap,
				 "a size of at least --memory, or -1", err);
	add(ret, "MemorySwapMax=%" PRIu64, both - scope->memory);
	return 0;
}

static int add_cpus(const struct cgroup_scope *scope,
		    struct cgroup_scope_properties *ret, struct error *err)
{
	char *end;
	double cpus;

	if (!scope->cpus)
		return 0;
	cpus = strtod(scope->cpus, &end);
	if (end == scope->cpus || *end || !(cpus >= 0.01 && cpus <= 65536))
		return say_wrong("cpus", scope->cpus,
				 "a number of CPUs, as 1.5", err);
	add(ret, "CPUQuota=%.0f%%", cpus * 100);
	return 0;
}

/* "0-3,5": no more than digits and what joins them. */
static int add_list(const char *option, const char *property, const char *list,
		    struct cgroup_scope_properties *ret, struct error *err)
{
	if (!list)
		return 0;
	if (!*list || list[strspn(list, "0123456789,-")] || strlen(list) > 90)
		return say_wrong(option, list, "a list, as 0-3,5", err);
	add(ret, "%s=%s", property, list);
	return 0;
}

/* As runc converts cgroup v1's numbers. */
static int add_weights(const struct cgroup_scope *scope,
		       struct cgroup_scope_properties *ret, struct error *err)
{
	char text[24];

	if (scope->cpu_shares > 0 &&
	    (scope->cpu_shares < 2 || scope->cpu_shares > 262144)) {
		snprintf(text, sizeof(text), "%" PRIu64, scope->cpu_shares);
		return say_wrong("cpu-shares", text, "2 to 262144", err);
	}
	if (scope->blkio_weight > 0 &&
	    (scope->blkio_weight < 10 || scope->blkio_weight > 1000)) {
		snprintf(text, sizeof(text), "%" PRIu64, scope->blkio_weight);
		return say_wrong("blkio-weight", text, "10 to 1000", err);
	}
	if (scope->cpu_shares > 0)
		add(ret, "CPUWeight=%" PRIu64,
		    1 + (scope->cpu_shares - 2) * 9999 / 262142);
	if (scope->blkio_weight > 0)
		add(ret, "IOWeight=%" PRIu64,
		    1 + (scope->blkio_weight - 10) * 9999 / 990);
	return 0;
}

int cgroup_scope_format(const struct cgroup_scope *scope,
			struct cgroup_scope_properties *ret, struct error *err)
{
	int r;

	*ret = (struct cgroup_scope_properties){ .count = 0 };
	if (scope->memory > 0)
		add(ret, "MemoryMax=%" PRIu64, scope->memory);
	if (scope->memory_reservation > 0)
		add(ret, "MemoryLow=%" PRIu64, scope->memory_reservation);
	if (scope->pids_limit > 0)
		add(ret, "TasksMax=%" PRIu64, scope->pids_limit);
	r = add_swap(scope, ret, err);
	if (r == 0)
		r = add_cpus(scope, ret, err);
	if (r == 0)
		r = add_weights(scope, ret, err);
	if (r == 0)
		r = add_list("cpuset-cpus", "AllowedCPUs", scope->cpuset_cpus,
			     ret, err);
	if (r == 0)
		r = add_list("cpuset-mems", "AllowedMemoryNodes",
			     scope->cpuset_mems, ret, err);
	return r;
}

/* systemd's own test for itself, and the user's manager. */
static bool has_systemd(void)
{
	const char *folder = getenv("XDG_RUNTIME_DIR");
	char path[PATH_MAX];

	if (access("/run/systemd/system", F_OK) < 0)
		return false;
	if (geteuid() == 0)
		return true;
	if (!folder)
		return false;
	snprintf(path, sizeof(path), "%.4000s/systemd/private", folder);
	return access(path, F_OK) == 0;
}

/* systemd-run's words, and this program's behind them; does not return when
 * all is well. */
static int execute(struct cgroup_scope_properties *properties)
{
	struct buffer line CLEANUP(buffer_fini) =
		BUFFER_INIT(ARGUMENTS_SIZE_MAX);
	autofree char **argv = NULL;
	size_t words = 0;
	size_t count = 0;
	int r = io_read_file(AT_FDCWD, "/proc/self/cmdline", &line, NULL);

	if (r < 0)
		return r;
	for (size_t i = 0; i < line.size; i++)
		words += line.data[i] == '\0';
	argv = calloc(words + 2 * CGROUP_SCOPE_PROPERTIES_MAX + 8,
		      sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	argv[count++] = (char *)"systemd-run";
	if (geteuid() != 0)
		argv[count++] = (char *)"--user";
	argv[count++] = (char *)"--scope";
	argv[count++] = (char *)"--quiet";
	argv[count++] = (char *)"--collect";
	for (size_t i = 0; i < properties->count; i++) {
		argv[count++] = (char *)"-p";
		argv[count++] = properties->texts[i];
	}
	argv[count++] = (char *)"--";
	for (char *word = (char *)line.data; words > 0; words--) {
		argv[count++] = word;
		word += strlen(word) + 1;
	}
	/* there is one thread yet; NOLINTNEXTLINE(concurrency-mt-unsafe) */
	if (setenv(mark, "1", 1) < 0)
		return -errno;
	execvp(argv[0], argv);
	return -errno;
}

/* Whether the word is in the list. */
static bool has_word(const char *list, size_t size, const char *separators,
		     const char *word)
{
	const char *end = list + size;

	while (list < end) {
		size_t len = strcspn(list, separators);

		if (len == strlen(word) && strncmp(list, word, len) == 0)
			return true;
		list += len + 1;
	}
	return false;
}

/* "4:memory:/path.scope": of cgroup v1, 1 when the controller's path is a
 * scope's, 0 when not; -ENOENT: it has no hierarchy of its own. */
static int find_v1(const char *cgroups, const char *controller)
{
	while (*cgroups) {
		size_t line = strcspn(cgroups, "\n");
		const char *names = memchr(cgroups, ':', line);
		const char *path =
			names ? memchr(names + 1, ':',
				       line - (size_t)(names + 1 - cgroups))
			      : NULL;

		if (path && path > names + 1 &&
		    has_word(names + 1, (size_t)(path - names - 1),
			     ",:", controller))
			return line >= 6 &&
			       strncmp(cgroups + line - 6, ".scope", 6) == 0;
		cgroups += line + (cgroups[line] == '\n');
	}
	return -ENOENT;
}

int cgroup_scope_check(const struct cgroup_scope *scope, const char *cgroups,
		       const char *controllers, struct error *err)
{
	const struct {
		bool is_needed;
		const char *name;
		const char *v1_name;
	} needs[] = {
		{ scope->memory || scope->memory_reservation ||
			  scope->memory_swap,
		  "memory", "memory" },
		{ scope->cpus || scope->cpu_shares, "cpu", "cpu" },
		{ scope->blkio_weight, "io", "blkio" },
		{ scope->cpuset_cpus || scope->cpuset_mems, "cpuset",
		  "cpuset" },
		{ scope->pids_limit, "pids", "pids" },
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++) {
		int found = needs[i].is_needed
				    ? find_v1(cgroups, needs[i].v1_name)
				    : 1;

		if (found == -ENOENT)
			found = !controllers ||
				has_word(controllers, strlen(controllers),
					 " \n", needs[i].name);
		if (!found)
			return error_set(
				err, -ENOTSUP,
				"the limit would do nothing: systemd has not "
				"given the controller \"%s\" to this user "
				"(it needs cgroup v2, and Delegate= of "
				"user@.service); ask the batch system for it",
				needs[i].name);
	}
	return 0;
}

/* Of the unified hierarchy, wherever it is; false: it cannot be read. */
static bool load_controllers(const char *cgroups, struct buffer *ret)
{
	const char *line = strncmp(cgroups, "0::", 3) == 0
				   ? cgroups
				   : strstr(cgroups, "\n0::");
	static const char *const roots[] = { "/sys/fs/cgroup",
					     "/sys/fs/cgroup/unified" };
	char path[PATH_MAX];

	if (!line)
		return false;
	line = strchr(line, '/');
	for (size_t i = 0; line && i < sizeof(roots) / sizeof(*roots); i++) {
		snprintf(path, sizeof(path), "%s%.*s/cgroup.controllers",
			 roots[i], (int)strcspn(line, "\n"), line);
		ret->size = 0;
		if (io_read_file(AT_FDCWD, path, ret, NULL) == 0 &&
		    buffer_append(ret, "", 1) == 0)
			return true;
	}
	return false;
}

static int check_own(const struct cgroup_scope *scope, struct error *err)
{
	struct buffer cgroups CLEANUP(buffer_fini) =
		BUFFER_INIT(CGROUP_FILE_SIZE_MAX);
	struct buffer controllers CLEANUP(buffer_fini) =
		BUFFER_INIT(CGROUP_FILE_SIZE_MAX);
	bool is_known;

	/* without /proc there is nothing to look at */
	if (io_read_file(AT_FDCWD, "/proc/self/cgroup", &cgroups, NULL) < 0 ||
	    buffer_append(&cgroups, "", 1) < 0)
		return 0;
	is_known = load_controllers((const char *)cgroups.data, &controllers);
	return cgroup_scope_check(
		scope, (const char *)cgroups.data,
		is_known ? (const char *)controllers.data : NULL, err);
}

int cgroup_scope_enter(const struct cgroup_scope *scope, struct error *err)
{
	struct cgroup_scope_properties properties;
	int r = cgroup_scope_format(scope, &properties, err);

	if (r < 0)
		return r;
	if (getenv(mark)) {
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
		unsetenv(mark);
		return properties.count ? check_own(scope, err) : 0;
	}
	if (properties.count == 0)
		return 0;
	r = has_systemd() ? execute(&properties) : -ENOTSUP;
	return error_set(err, -ENOTSUP,
			 "limits need a systemd of the user's own, which is "
			 "not here (%s): ask the batch system for them",
			 r == -ENOTSUP ? "no session" : "no systemd-run");
}
