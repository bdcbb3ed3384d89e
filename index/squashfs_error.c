/* SPDX-License-Identifier: Apache-2.0 */
#include "index/squashfs_error.h"

#include "common/error.h"

#include <errno.h>

int squashfs_error_damaged(struct error *err, const char *what)
{
	return error_set(err, -EPROTO,
			 "the SquashFS file system is damaged: %s; copy the "
			 "file anew",
			 what);
}

int squashfs_error_failed(struct error *err, int code)
{
	if (code == -EFBIG)
		return error_set(err, code,
				 "the SquashFS file system has more files, "
				 "blocks or names than an index can hold");
	return error_set_errno(err, code,
			       "cannot list the SquashFS file system");
}
