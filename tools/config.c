/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/config.h"

#include "common/error.h"
#include "tools/option.h"

#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SYSTEM_FILE "/etc/lazyrun.conf"

/* statfs(2) types of file systems that are not the node's own disk; those
 * that linux/magic.h does not name are from the file systems' sources. */
static const unsigned long network_types[] = {
	NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC, SMB2_SUPER_MAGIC, CIFS_SUPER_MAGIC,
	AFS_SUPER_MAGIC,  AFS_FS_MAGIC,	   CEPH_SUPER_MAGIC, V9FS_MAGIC,
	FUSE_SUPER_MAGIC, /* sshfs, GlusterFS, BeeGFS' client ... */
	0x0bd00bd0,	  /* Lustre */
	0x47504653,	  /* GPFS */
	0x19830326,	  /* BeeGFS */
	0xaad7aaea,	  /* PanFS */
};

struct load {
	const struct option *const *tables;
	void *values;
	int result;
	struct error *err;
};

static int take_setting(void *arg, const char *section, const char *name,
			const char *value)
{
	struct load *load = arg;
	char *text = strdup(value);

	(void)section;
	if (!text) {
		load->result = -ENOMEM;
		return 0;
	}
	load->result =
		option_set(load->tables, load->values, name, text, load->err);
	/* what is kept is so for the life of the process */
	if (load->result < 0 || !option_keeps_text(load->tables, name))
		free(text);
	return load->result == 0;
}

static int load_file(const char *path, struct load *load)
{
	int line;

	if (access(path, R_OK) < 0)
		return 0;
	line = ini_parse(path, take_setting, load);
	if (load->result < 0)
		return error_prefix(load->err, load->result, "%s line %d", path,
				    line);
	if (line > 0)
		return error_set(load->err, -EINVAL,
				 "%s line %d is not \"name = value\"", path,
				 line);
	return 0;
}

static const char *home_directory(void)
{
	const char *home = getenv("HOME");
	const struct passwd *user;

	if (home && home[0] == '/')
		return home;
	/* before threads exist; NOLINTNEXTLINE(concurrency-mt-unsafe) */
	user = getpwuid(geteuid());
	return user ? user->pw_dir : NULL;
}

int config_load(const struct option *const *tables, void *values,
		const char *user_path, struct error *err)
{
	struct load load = { .tables = tables, .values = values, .err = err };
	const char *folder = getenv("XDG_CONFIG_HOME");
	const char *home = home_directory();
	char path[PATH_MAX];
	int r;

	r = load_file(SYSTEM_FILE, &load);
	if (r < 0)
		return r;
	if (user_path && access(user_path, R_OK) < 0)
		return error_set_errno(err, -errno, "cannot read %s",
				       user_path);
	if (user_path)
		return load_file(user_path, &load);
	if (folder && folder[0] == '/')
		snprintf(path, sizeof(path), "%s/lazyrun/lazyrun.conf", folder);
	else if (home)
		snprintf(path, sizeof(path), "%s/.config/lazyrun/lazyrun.conf",
			 home);
	else
		return 0;
	return load_file(path, &load);
}

bool config_is_on_network(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(network_types) / sizeof(*network_types);
	     i++)
		if ((unsigned long)fs.f_type == network_types[i])
			return true;
	return false;
}

int config_cache_dir(char *ret, size_t capacity, struct error *err)
{
	const char *folder = getenv("XDG_CACHE_HOME");
	const char *home = home_directory();
	int n;

	if (folder && folder[0] == '/')
		n = snprintf(ret, capacity, "%s/lazyrun", folder);
	else if (home && access(home, W_OK) == 0 && !config_is_on_network(home))
		n = snprintf(ret, capacity, "%s/.cache/lazyrun", home);
	else
		n = snprintf(ret, capacity, "/var/tmp/lazyrun-%u",
			     (unsigned)geteuid());
	if (n < 0 || (size_t)n >= capacity)
		return error_set(err, -ENAMETOOLONG,
				 "the cache directory's path is too long");
	return 0;
}
