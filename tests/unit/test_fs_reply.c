/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_reply.h"

#include <criterion/criterion.h>
#include <errno.h>

Test(fs_reply, keeps_what_a_program_can_act_on)
{
	static const int kept[] = {
		E2BIG,	EINVAL, EIO,	ELOOP,	 ENAMETOOLONG, ENODATA,
		ENOENT, ENOMEM, ENOSYS, ENOTDIR, ENXIO,	       ERANGE,
	};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		cr_expect_eq(fs_reply_errno(-kept[i]), kept[i]);
}

Test(fs_reply, calls_bytes_that_could_not_be_had_an_io_error)
{
	/* EACCES would blame the file's permissions, EINTR and EAGAIN would
	 * make programs try for ever, ENOSYS on a read must not come about */
	static const int lost[] = {
		EBADMSG, EPROTO,   ETIMEDOUT, ECANCELED, EACCES,
		EPERM,	 ENOTSUP,  ENOSPC,    EFBIG,	 EINTR,
		EAGAIN,	 ENOTCONN, ESTALE,    12345,
	};

	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		cr_expect_eq(fs_reply_errno(-lost[i]), EIO, "case: %d",
			     lost[i]);
}
