/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fs_reply.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "fs/fs_context.h"
#include "index/index_file.h"

#include <assert.h>
#include <errno.h>
#include <fuse_lowlevel.h>
#include <inttypes.h>
#include <linux/limits.h>
#include <stdio.h>

enum {
	FAILURE_BURST = 20, /* lines per ten seconds */
	REPEAT_MS = 1000,
};

int fs_reply_errno(int code)
{
	static const int kept[] = {
		E2BIG,	EINVAL, EIO,	ELOOP,	 ENAMETOOLONG, ENODATA,
		ENOENT, ENOMEM, ENOSYS, ENOTDIR, ENXIO,	       ERANGE,
	};

	assert(code < 0);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (code == -kept[i])
			return kept[i];
	return EIO;
}

/* Log lines quote what comes from outside, so it must hold no quote. */
static void make_quotable(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '"' ||
		    *p == '\\')
			*p = '?';
}

static void log_failure(const struct fs_context *ctx,
			const struct fs_failure *failure, int code,
			const struct error *err)
{
	char path[PATH_MAX];
	char text[ERROR_TEXT_SIZE];

	if (index_file_get_path(ctx->index, failure->inode, path,
				sizeof(path)) < 0)
		snprintf(path, sizeof(path), "?");
	snprintf(text, sizeof(text), "%s",
		 err && err->code ? err->text : log_errno_name(code));
	make_quotable(path);
	make_quotable(text);
	/* a line holds 2 KiB: the sentence must not fall off its end */
	log_event(LOG_ERROR, "fs",
		  "op=%s ino=%" PRIu32 " path=\"%.512s\" off=%" PRIu64
		  " size=%zu err=%s text=\"%s\"",
		  failure->op, failure->inode, path, failure->off,
		  failure->size, log_errno_name(fs_reply_errno(code)), text);
}

/* The kernel asks for a page alone once more when reading ahead from it has
 * failed: one failure, one line. */
static bool is_repeated(struct fs_context *ctx,
			const struct fs_failure *failure, int64_t now_ms)
{
	struct fs_last_failure *last = &ctx->last_failure;
	uint64_t off = __atomic_load_n(&last->off, __ATOMIC_RELAXED);
	uint64_t size = __atomic_load_n(&last->size, __ATOMIC_RELAXED);

	if (__atomic_load_n(&last->inode, __ATOMIC_RELAXED) == failure->inode &&
	    now_ms - __atomic_load_n(&last->at_ms, __ATOMIC_RELAXED) <
		    REPEAT_MS &&
	    failure->size < size && failure->off >= off &&
	    failure->off - off + failure->size <= size)
		return true;
	__atomic_store_n(&last->inode, failure->inode, __ATOMIC_RELAXED);
	__atomic_store_n(&last->off, failure->off, __ATOMIC_RELAXED);
	__atomic_store_n(&last->size, failure->size, __ATOMIC_RELAXED);
	__atomic_store_n(&last->at_ms, now_ms, __ATOMIC_RELAXED);
	return false;
}

void fs_reply_failure(struct fs_context *ctx, struct fuse_req *req,
		      const struct fs_failure *failure, int code,
		      const struct error *err)
{
	fs_context_count(&ctx->counters.failed, 1);
	fuse_reply_err(req, fs_reply_errno(code));
	if (log_is_enabled(LOG_ERROR) &&
	    !(failure->size && is_repeated(ctx, failure, clock_ms())) &&
	    log_rate_allows(&ctx->failure_rate, FAILURE_BURST))
		log_failure(ctx, failure, code, err);
}
