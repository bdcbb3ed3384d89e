/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_mounts.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/log.h"
#include "run/run.h"
#include "tools/bind_option.h"
#include "tools/job_options.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a directory in memory, and below the workdir. */
struct modes {
	mode_t memory;
	mode_t workdir;
};

/* Apptainer's. */
static const struct modes shared_modes = { 01777, 01777 };
static const struct modes home_modes = { 0755, 0700 };
static const struct modes scratch_modes = { 0755, 0750 };

/* What --no-mount may name. */
struct standard_name {
	const char *name;
	unsigned mounts; /* of enum run_standard_mount; 0: there is none */
};

static const struct standard_name standard_names[] = {
	{ "proc", RUN_STANDARD_PROC },	    { "sys", RUN_STANDARD_SYS },
	{ "dev", RUN_STANDARD_DEV },	    { "devpts", RUN_STANDARD_DEVPTS },
	{ "home", RUN_STANDARD_HOME },	    { "tmp", RUN_STANDARD_TMP },
	{ "cwd", RUN_STANDARD_CWD },	    { "hostfs", 0 },
	{ "bind-paths", RUN_STANDARD_ETC },
};

static void take_no_mount(const char *name, size_t len, unsigned *omitted)
{
	for (size_t i = 0; i < sizeof(standard_names) / sizeof(*standard_names);
	     i++)
		if (strlen(standard_names[i].name) == len &&
		    memcmp(standard_names[i].name, name, len) == 0) {
			*omitted |= standard_names[i].mounts;
			return;
		}
	/* A bind path of Apptainer's configuration. */
	if (name[0] == '/')
		return;
	log_event(
		LOG_WARN, "tools",
		"op=no-mount text=\"%.*s is not proc, sys, dev, devpts, home, "
		"tmp, cwd, hostfs, bind-paths or a path: ignoring it\"",
		(int)len, name);
}

static void take_no_mounts(const struct option_list *list, unsigned *omitted)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *text = list->values[i];

		while (*text) {
			size_t len = strcspn(text, ",");

			take_no_mount(text, len, omitted);
			text += len + (text[len] == ',');
		}
	}
}

/* Takes ownership of the strings, even on failure. */
static int append(struct job_mounts *mounts, const struct run_bind *bind,
		  struct error *err)
{
	struct run_bind *grown =
		realloc(mounts->binds, (mounts->count + 1) * sizeof(*grown));

	if (!grown || !bind->destination) {
		if (grown)
			mounts->binds = grown;
		free((char *)bind->source);
		free((char *)bind->destination);
		return error_set(err, -ENOMEM, "out of memory");
	}
	mounts->binds = grown;
	grown[mounts->count++] = *bind;
	return 0;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A directory of the job's own, with everything above it down to @base. */
static int make_directories(const char *base, const char *name, mode_t mode,
			    char **ret, struct error *err)
{
	autofree char *path = NULL;
	size_t off = strlen(base);

	if (asprintf(&path, "%s/%s", base, name) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	for (;;) {
		size_t len = off + strcspn(path + off, "/");
		char kept = path[len];

		path[len] = '\0';
		if (mkdir(path, scratch_modes.workdir) < 0 && errno != EEXIST)
			return error_set_errno(err, -errno,
					       "cannot make the private "
					       "directory %s",
					       path);
		path[len] = kept;
		if (!kept)
			break;
		off = len + 1;
	}
	if (!is_directory(path))
		return error_set(err, -ENOTDIR, "%s is not a directory", path);
	/* One that is there already may be somebody else's: it stays so. */
	(void)!chmod(path, mode);
	*ret = STEAL_PTR(path);
	return 0;
}

/* An empty directory: in memory, or @name below the workdir. */
static int add_private(const struct job_options *options, const char *name,
		       const char *destination, const struct modes *modes,
		       struct job_mounts *mounts, struct error *err)
{
	/* a directory that is written to may lack /var/tmp, as with Apptainer;
	 * what was asked for by name is another matter */
	struct run_bind bind = {
		.mode = modes->memory,
		.is_own = true,
		.is_standard = options->writable && modes != &scratch_modes,
	};
	char *source = NULL;
	int r;

	if (options->workdir) {
		autofree char *base = realpath(options->workdir, NULL);

		if (!base)
			return error_set_errno(err, -errno, "--workdir %s",
					       options->workdir);
		r = make_directories(base, name, modes->workdir, &source, err);
		if (r < 0)
			return r;
	}
	bind.source = source;
	bind.destination = strdup(destination);
	return append(mounts, &bind, err);
}

static int add_temporary(const struct job_options *options,
			 struct job_mounts *mounts, struct error *err)
{
	int r;

	if (!options->contain || mounts->omitted & RUN_STANDARD_TMP)
		return 0;
	mounts->omitted |= RUN_STANDARD_TMP;
	r = add_private(options, "tmp", "/tmp", &shared_modes, mounts, err);
	if (r == 0)
		r = add_private(options, "var_tmp", "/var/tmp", &shared_modes,
				mounts, err);
	return r;
}

/* Apptainer asks the account only. */
static const char *default_home(bool is_apptainer)
{
	const char *home = getenv("HOME");
	const struct passwd *user;

	if (home && home[0] == '/' && !is_apptainer)
		return home;
	/* before threads exist; NOLINTNEXTLINE(concurrency-mt-unsafe) */
	user = getpwuid(geteuid());
	return user && user->pw_dir[0] == '/' ? user->pw_dir : NULL;
}

/* SRC[:DST]: DST is what the job calls home. */
static int split_home(const char *text, char **ret_source,
		      char **ret_destination, struct error *err)
{
	const char *colon = strchr(text, ':');
	autofree char *source =
		colon ? strndup(text, (size_t)(colon - text)) : strdup(text);
	autofree char *destination = NULL;

	if (!source)
		return error_set(err, -ENOMEM, "out of memory");
	if (colon)
		destination = strdup(colon + 1);
	else
		destination = bind_option_absolute(source);
	if (!destination)
		return error_set(err, -ENOMEM, "out of memory");
	if (destination[0] != '/' || strchr(destination, ':'))
		return error_set(err, -EINVAL,
				 "--home \"%.200s\": write SRC[:DST]; DST must "
				 "be an absolute path",
				 text);
	*ret_source = STEAL_PTR(source);
	*ret_destination = STEAL_PTR(destination);
	return 0;
}

static int add_asked_home(const struct job_options *options,
			  struct job_mounts *mounts, struct error *err)
{
	autofree char *source = NULL;
	struct run_bind bind = { .is_own = true };
	int r = split_home(options->home, &source, &mounts->home, err);

	if (r < 0)
		return r;
	if (options->no_home || mounts->omitted & RUN_STANDARD_HOME)
		return 0;
	mounts->omitted |= RUN_STANDARD_HOME;
	/* HTCondor hands on names of variables that nobody expanded. */
	if (!is_directory(source))
		return add_private(options, "home", mounts->home, &home_modes,
				   mounts, err);
	bind.source = bind_option_absolute(source);
	bind.destination = strdup(mounts->home);
	if (!bind.source) {
		free((char *)bind.destination);
		return error_set(err, -ENOMEM, "out of memory");
	}
	return append(mounts, &bind, err);
}

/* The user's home is root's. */
static int add_roots_home(const struct job_options *options, const char *source,
			  struct job_mounts *mounts, struct error *err)
{
	struct run_bind bind = {
		.is_optional = true,
		.is_own = true,
		.is_standard = true,
	};

	mounts->home = strdup("/root");
	if (!mounts->home)
		return error_set(err, -ENOMEM, "out of memory");
	if (options->no_home || mounts->omitted & RUN_STANDARD_HOME) {
		mounts->omitted |= RUN_STANDARD_HOME;
		return 0;
	}
	mounts->omitted |= RUN_STANDARD_HOME;
	bind.source = strdup(source);
	bind.destination = strdup("/root");
	if (!bind.source) {
		free((char *)bind.destination);
		return error_set(err, -ENOMEM, "out of memory");
	}
	return append(mounts, &bind, err);
}

static int add_home(const struct job_options *options,
		    struct job_mounts *mounts, struct error *err)
{
	const char *home = default_home(options->common.is_apptainer);

	if (options->home)
		return add_asked_home(options, mounts, err);
	if (options->fakeroot && home && !options->contain)
		return add_roots_home(options, home, mounts, err);
	if (options->fakeroot)
		home = "/root";
	if (!home)
		return 0;
	mounts->home = strdup(home);
	if (!mounts->home)
		return error_set(err, -ENOMEM, "out of memory");
	if (options->no_home)
		mounts->omitted |= RUN_STANDARD_HOME;
	if (!options->contain || mounts->omitted & RUN_STANDARD_HOME ||
	    strcmp(home, "/") == 0)
		return 0;
	mounts->omitted |= RUN_STANDARD_HOME;
	return add_private(options, "home", home, &home_modes, mounts, err);
}

static int add_one_scratch(const struct job_options *options, const char *dir,
			   struct job_mounts *mounts, struct error *err)
{
	autofree char *name = NULL;
	autofree char *destination = NULL;

	if (asprintf(&name, "scratch/%s", dir + strspn(dir, "/")) < 0 ||
	    asprintf(&destination, "/%s", dir + strspn(dir, "/")) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	if (strstr(destination, "/../") || strcmp(destination, "/") == 0)
		return error_set(err, -EINVAL,
				 "--scratch \"%.200s\" is no directory inside",
				 dir);
	return add_private(options, name, destination, &scratch_modes, mounts,
			   err);
}

static int add_scratch(const struct job_options *options,
		       struct job_mounts *mounts, struct error *err)
{
	for (size_t i = 0; i < options->scratch.count; i++) {
		autofree char *copy = strdup(options->scratch.values[i]);
		char *rest = copy;

		if (!copy)
			return error_set(err, -ENOMEM, "out of memory");
		for (;;) {
			char *dir = strsep(&rest, ",");
			int r;

			if (!dir)
				break;
			r = *dir ? add_one_scratch(options, dir, mounts, err)
				 : 0;
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* The runner's own bind of it would come before the scratch directories. */
static int add_cwd(const struct job_options *options, struct job_mounts *mounts,
		   struct error *err)
{
	autofree char *cwd = NULL;
	struct run_bind bind = { .is_standard = true, .is_optional = true };

	if (options->contain)
		mounts->omitted |= RUN_STANDARD_CWD;
	if (mounts->omitted & RUN_STANDARD_CWD || options->scratch.count == 0)
		return 0;
	mounts->omitted |= RUN_STANDARD_CWD;
	cwd = getcwd(NULL, 0);
	if (!cwd || cwd[0] != '/')
		return 0;
	bind.source = strdup(cwd);
	bind.destination = strdup(cwd);
	if (!bind.source) {
		free((char *)bind.destination);
		return error_set(err, -ENOMEM, "out of memory");
	}
	return append(mounts, &bind, err);
}

int job_mounts_fill(const struct job_options *options, struct job_mounts *ret,
		    struct error *err)
{
	int r;

	take_no_mounts(&options->no_mount, &ret->omitted);
	r = add_temporary(options, ret, err);
	if (r == 0)
		r = overlay_option_parse(&options->overlays, &ret->overlays,
					 err);
	if (r == 0)
		r = add_home(options, ret, err);
	if (r == 0)
		r = add_scratch(options, ret, err);
	if (r == 0)
		r = add_cwd(options, ret, err);
	ret->asked_from = ret->count;
	if (r == 0)
		r = bind_option_parse(&options->binds, &ret->binds, &ret->count,
				      err);
	if (r == 0)
		r = bind_option_parse_mounts(&options->mounts, &ret->binds,
					     &ret->count, err);
	if (r < 0)
		return r;
	if (options->contain && ret->home) {
		ret->cwd = strdup(ret->home);
		if (!ret->cwd)
			return error_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

void job_mounts_fini(struct job_mounts *mounts)
{
	bind_option_free(mounts->binds, mounts->count);
	overlay_option_fini(&mounts->overlays);
	free(mounts->home);
	free(mounts->cwd);
	*mounts = (struct job_mounts){ 0 };
}
