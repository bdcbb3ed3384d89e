/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/profile_store.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "fetch/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "profiles"
#define SUFFIX ".lzp"

enum { NAME_SIZE = sizeof(FOLDER "/") + DIGEST_HEX_SIZE + sizeof(SUFFIX) };

static void format_name(const struct digest *manifest, char ret[NAME_SIZE])
{
	char hex[DIGEST_HEX_SIZE];

	digest_format_hex(manifest, hex);
	snprintf(ret, NAME_SIZE, FOLDER "/%s" SUFFIX, hex);
}

int profile_store_load(int cache_dir_fd, const struct digest *manifest,
		       struct profile *ret, struct error *err)
{
	struct buffer bytes CLEANUP(buffer_fini) =
		BUFFER_INIT(PROFILE_SIZE_MAX);
	struct profile profile = { 0 };
	char name[NAME_SIZE];
	int r;

	format_name(manifest, name);
	r = io_read_file(cache_dir_fd, name, &bytes, err);
	if (r == 0)
		r = profile_decode(bytes.data, bytes.size, &profile, err);
	if (r == 0 && !digest_equal(&profile.image, manifest)) {
		profile_fini(&profile);
		r = -EBADMSG;
	}
	if (r == -EBADMSG || r == -ENOTSUP || r == -EFBIG) {
		unlinkat(cache_dir_fd, name, 0);
		return error_set(err, -ENOENT, "no profile is at hand");
	}
	if (r < 0)
		return r;
	*ret = profile;
	return 0;
}

int profile_store_save(int cache_dir_fd, const struct profile *profile,
		       struct error *err)
{
	autofree uint8_t *bytes = NULL;
	char name[NAME_SIZE];
	size_t size;
	int r;

	format_name(&profile->image, name);
	if (mkdirat(cache_dir_fd, FOLDER, 0700) < 0 && errno != EEXIST)
		return error_set_errno(err, -errno,
				       "cannot make " FOLDER "/ in the cache");
	r = profile_encode(profile, &bytes, &size);
	if (r < 0)
		return error_set(err, r, "out of memory");
	return io_write_file_atomic(cache_dir_fd, name, bytes, size, err);
}

int profile_store_remove(int cache_dir_fd, const struct digest *manifest)
{
	char name[NAME_SIZE];

	format_name(manifest, name);
	return unlinkat(cache_dir_fd, name, 0) < 0 ? -errno : 0;
}
