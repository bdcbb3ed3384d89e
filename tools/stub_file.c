/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/stub_file.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "image/image.h"
#include "image/image_ref.h"
#include "image/image_stub.h"
#include "index/index_writer.h"
#include "tools/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int stub_file_name(const char *image, char *ret, size_t size, struct error *err)
{
	const char *colon = strchr(image, ':');
	bool is_url = colon && strncmp(colon, "://", 3) == 0 &&
		      strncmp(image, "docker:", 7) != 0 &&
		      strncmp(image, "oci:", 4) != 0;
	size_t path_len = strcspn(image, is_url ? "?#" : "");
	const char *slash = memrchr(image, '/', path_len);
	const char *name = slash ? slash + 1 : colon ? colon + 1 : "";
	size_t len = strcspn(name, is_url ? "?#" : ":");
	const char *tag = name[len] == ':' ? name + len + 1 : "latest";
	int n;

	if (!colon || len == 0)
		return error_set(err, -EINVAL,
				 "\"%.200s\" does not say what the file is to "
				 "be called: name it, pull FILE IMAGE",
				 image);
	if (is_url)
		n = snprintf(ret, size, "%.*s", (int)len, name);
	else
		n = snprintf(ret, size, "%.*s_%.*s.sif", (int)len, name,
			     (int)strcspn(tag, ":"), tag);
	if (n < 0 || (size_t)n >= size || n > NAME_MAX)
		return error_set(err, -ENAMETOOLONG,
				 "the image's name is too long for a file");
	return 0;
}

int stub_file_check(const char *path, bool replaces, struct error *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return error_set(err, -EISDIR, "%s is a directory", path);
	if (!replaces)
		return error_set(err, -EEXIST,
				 "Image file already exists: \"%s\" - will not "
				 "overwrite; --force replaces it",
				 path);
	return 0;
}

/* What the stub leads to, so that it is this very image and no later one. */
static int format_url(const char *image, struct session *session, char *ret,
		      size_t size, struct error *err)
{
	struct image_ref ref CLEANUP(image_ref_fini) = { 0 };
	char digest[DIGEST_TEXT_SIZE];
	bool needs_digest;
	int r = image_ref_parse(image, &ref, err);
	int n;

	if (r < 0)
		return r;
	if (ref.kind == IMAGE_REF_FILE || ref.kind == IMAGE_REF_DIRECTORY)
		return error_set(err, -ENOTSUP,
				 "%s is on this machine already: copy it, or "
				 "use it where it is",
				 ref.path);
	needs_digest = ref.kind == IMAGE_REF_DOCKER && !ref.has_digest;
	digest_format(image_manifest_digest(session_image(session)), digest);
	n = snprintf(ret, size, "%s%s%s", ref.text, needs_digest ? "@" : "",
		     needs_digest ? digest : "");
	if (n < 0 || (size_t)n >= size)
		return error_set(err, -EFBIG, "the image's URL is too long");
	return 0;
}

static int append_packed(struct session *session, struct buffer *bytes,
			 struct error *err)
{
	autoclose int packed = memfd_create("index", MFD_CLOEXEC);
	struct stat st;
	int r;

	if (packed < 0)
		return error_set_errno(err, -errno, "cannot pack the index");
	r = index_writer_repack(session_index_fd(session), packed, true, err);
	if (r < 0)
		return r;
	if (fstat(packed, &st) < 0)
		return error_set_errno(err, -errno, "cannot pack the index");
	r = buffer_reserve(bytes, (size_t)st.st_size);
	if (r == 0)
		r = io_pread_full(packed, 0, (size_t)st.st_size,
				  bytes->data + bytes->size);
	if (r < 0)
		return error_set_errno(err, r, "cannot pack the index");
	bytes->size += (size_t)st.st_size;
	return 0;
}

static int write_whole(int fd, const struct buffer *head,
		       const struct buffer *index)
{
	int r = io_write_full(fd, head->data, head->size);

	if (r == 0 && index->size > 0)
		r = io_write_full(fd, index->data, index->size);
	return r < 0 || fsync(fd) == 0 ? r : -errno;
}

/* Network filesystems may know no RENAME_NOREPLACE; there was none a moment
 * ago. */
static int give_name(const char *temporary, const char *path, bool replaces)
{
	if (!replaces) {
		if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path,
			      RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EINVAL && errno != ENOSYS)
			return -errno;
	}
	return rename(temporary, path) < 0 ? -errno : 0;
}

static int write_file(const char *path, bool replaces,
		      const struct buffer *head, const struct buffer *index)
{
	const char *slash = strrchr(path, '/');
	int folder_len = slash ? (int)(slash - path + 1) : 0;
	char temporary[PATH_MAX];
	autoclose int fd = -1;
	int r;

	if (snprintf(temporary, sizeof(temporary), "%.*s.tmp-lazyrun-%d",
		     folder_len, path, (int)getpid()) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0777);
	if (fd < 0)
		return -errno;
	r = write_whole(fd, head, index);
	if (r == 0)
		r = give_name(temporary, path, replaces);
	if (r < 0)
		unlink(temporary);
	return r;
}

int stub_file_write(const char *path, bool replaces, const char *image,
		    struct session *session, struct error *err)
{
	struct buffer head CLEANUP(buffer_fini) =
		BUFFER_INIT(IMAGE_STUB_SIZE_MAX);
	struct buffer index CLEANUP(buffer_fini) =
		BUFFER_INIT(IMAGE_STUB_INDEX_SIZE_MAX);
	struct image_stub stub = { .has_digest = true };
	int r = stub_file_check(path, replaces, err);

	if (r == 0)
		r = format_url(image, session, stub.url, sizeof(stub.url), err);
	if (r == 0 && session_index(session))
		r = append_packed(session, &index, err);
	if (r < 0)
		return r;
	stub.digest = *image_manifest_digest(session_image(session));
	stub.has_index = index.size > 0;
	if (stub.has_index)
		digest_compute(index.data, index.size, &stub.index);
	r = image_stub_format(&stub, &head);
	if (r < 0)
		return error_set_errno(err, r, "cannot write %s", path);
	r = write_file(path, replaces, &head, &index);
	if (r == -EEXIST)
		return stub_file_check(path, replaces, err);
	return r < 0 ? error_set_errno(err, r, "cannot write %s", path) : 0;
}
