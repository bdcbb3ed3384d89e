/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tree_removal.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

enum { DESCRIPTORS_MAX = 16 }; /* deeper trees are walked by reopening */

static int remove_entry(const char *path, const struct stat *st, int kind,
			struct FTW *place)
{
	(void)st;
	(void)kind;
	(void)place;
	(void)remove(path);
	return 0;
}

void tree_removal_run(const char *path)
{
	(void)nftw(path, remove_entry, DESCRIPTORS_MAX,
		   FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
