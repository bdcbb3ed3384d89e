/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/root_key.h"

#include "common/buffer.h"
#include "common/digest.h"
#include "run/run.h"
#include "run/run_bind.h"
#include "tools/job_mounts.h"
#include "tools/job_options.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TEXT_SIZE_MAX = 4 << 20, /* jobs with more binds have no key */
};

/* What the user's lines in the image's are made of. */
static const char *const account_files[] = { "/etc/passwd", "/etc/group" };

static int add_text(struct buffer *text, const char *word)
{
	return buffer_append(text, word ? word : "",
			     word ? strlen(word) + 1 : 1);
}

/* Which file the path is now, and whether it has been written since. */
static int add_file(struct buffer *text, const char *path, bool has_time)
{
	struct stat st = { 0 };
	char line[128];
	int n;

	if (!path || stat(path, &st) < 0)
		st = (struct stat){ 0 };
	n = snprintf(line, sizeof(line),
		     "%" PRIu64 ":%" PRIu64 ":%o:%" PRId64 ".%09ld",
		     (uint64_t)st.st_dev, (uint64_t)st.st_ino,
		     st.st_mode & S_IFMT,
		     has_time ? (int64_t)st.st_mtim.tv_sec : 0,
		     has_time ? st.st_mtim.tv_nsec : 0);
	return buffer_append(text, line, (size_t)n + 1);
}

static int add_bind(struct buffer *text, const struct run_bind *bind)
{
	char flags[] = {
		bind->source ? '-' : 'm',      bind->is_read_only ? 'r' : '-',
		bind->is_optional ? 'o' : '-', bind->is_standard ? 's' : '-',
		bind->is_own ? 'w' : '-',      '\0'
	};
	int r = add_text(text, bind->source);

	if (r == 0)
		r = add_text(text, bind->destination);
	if (r == 0)
		r = add_text(text, flags);
	return r < 0 ? r : add_file(text, bind->source, false);
}

static int add_paths(struct buffer *text, const struct job_mounts *mounts)
{
	const char *path;
	char cwd[PATH_MAX];
	int r = add_text(text, mounts->home);

	if (r == 0)
		r = add_file(text, mounts->home, false);
	if (r == 0 && !getcwd(cwd, sizeof(cwd)))
		cwd[0] = '\0';
	if (r == 0)
		r = add_text(text, cwd);
	if (r == 0)
		r = add_file(text, cwd, false);
	for (size_t i = 0; r == 0 && (path = run_bind_standard_path(i)); i++)
		r = add_file(text, path, false);
	for (size_t i = 0;
	     r == 0 && i < sizeof(account_files) / sizeof(*account_files); i++)
		r = add_file(text, account_files[i], true);
	return r;
}

/* A terminal of the caller's shows as /dev/console. */
static bool has_console(const struct job_options *options)
{
	return options->contain && isatty(STDOUT_FILENO);
}

static bool has_own_root(const struct job_options *options,
			 const struct job_mounts *mounts)
{
	const struct gpu_option *gpu = &options->gpu;

	if (has_console(options) || options->writable ||
	    options->writable_tmpfs || options->fakeroot || options->hostname ||
	    mounts->overlays.upper || mounts->overlays.count > 0)
		return true;
	if (gpu->use_nvidia || gpu->use_rocm || gpu->gpus ||
	    gpu->devices.count > 0)
		return true;
	return false;
}

bool root_key_compute(const struct job_options *options,
		      const struct job_mounts *mounts, struct digest *ret)
{
	struct buffer text CLEANUP(buffer_fini) = BUFFER_INIT(TEXT_SIZE_MAX);
	char omitted[32];
	int r;

	if (has_own_root(options, mounts))
		return false;
	snprintf(omitted, sizeof(omitted), "%x%s", mounts->omitted,
		 options->contain ? " contained" : "");
	r = add_text(&text, omitted);
	if (r == 0)
		r = add_paths(&text, mounts);
	for (size_t i = 0; r == 0 && i < mounts->count; i++)
		r = add_bind(&text, &mounts->binds[i]);
	if (r < 0)
		return false;
	digest_compute(text.data, text.size, ret);
	return true;
}
