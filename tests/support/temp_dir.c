/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/temp_dir.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPEN_FOLDERS_MAX = 16 };

void temp_dir_create(char ret_path[TEMP_DIR_SIZE])
{
	const char *parent = getenv("TMPDIR");
	int len = snprintf(ret_path, TEMP_DIR_SIZE, "%s/lazyrun-test-XXXXXX",
			   parent ? parent : "/tmp");
	char *path;

	assert(len > 0 && len < TEMP_DIR_SIZE);
	path = mkdtemp(ret_path);
	assert(path);
	(void)path;
}

static int remove_entry(const char *path, const struct stat *st, int kind,
			struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	(void)remove(path);
	return 0;
}

void temp_dir_remove(const char *path)
{
	(void)nftw(path, remove_entry, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
}
