/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/object_index.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "common/log.h"
#include "fetch/object_source.h"
#include "image/image_ref.h"
#include "image/resolve_cache.h"
#include "index/index_file.h"
#include "index/index_writer.h"
#include "tools/index_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SUFFIX ".lzi"

/* Ten times what the index of a million files takes. */
enum { FETCH_SIZE_MAX = 256 << 20 };

bool object_index_is_for(const struct image_ref *ref)
{
	return ref->kind == IMAGE_REF_FILE || ref->kind == IMAGE_REF_URL ||
	       ref->kind == IMAGE_REF_OSDF;
}

/* What stands for the object below a directory: a path without a leading '/'
 * and without a query. */
static const char *path_below(const struct image_ref *ref, size_t *ret_len)
{
	const char *path = ref->path;

	if (ref->kind == IMAGE_REF_URL)
		path = strstr(ref->text, "://") + 3;
	*ret_len = strcspn(path, ref->kind == IMAGE_REF_URL ? "?" : "");
	while (*ret_len > 0 && *path == '/') {
		path++;
		(*ret_len)--;
	}
	return path;
}

/* Keeps *ret when a file of that name can be read. */
static int try(char **ret, int printed)
{
	if (printed < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	if (access(*ret, R_OK) == 0)
		return 0;
	free(*ret);
	*ret = NULL;
	return 0;
}

static int find(const struct image_ref *ref, const char *dir, char **ret)
{
	const char *path;
	const char *base;
	size_t len;
	int r = 0;

	if (ref->kind == IMAGE_REF_FILE)
		r = try(ret, asprintf(ret, "%s" SUFFIX, ref->path));
	if (r < 0 || *ret || !dir)
		return r;
	path = path_below(ref, &len);
	if (memmem(path, len, "..", 2))
		return 0; /* not out of the directory */
	r = try(ret, asprintf(ret, "%s/%.*s" SUFFIX, dir, (int)len, path));
	if (r < 0 || *ret)
		return r;
	base = memrchr(path, '/', len);
	if (!base)
		return 0;
	base++;
	return try(ret, asprintf(ret, "%s/%.*s" SUFFIX, dir,
				 (int)(len - (size_t)(base - path)), base));
}

int object_index_find(const struct image_ref *ref, const char *dir, char **ret,
		      struct error *err)
{
	char *path = NULL;
	int r = object_index_is_for(ref) ? find(ref, dir, &path) : 0;

	if (r < 0)
		return error_set(err, r, "out of memory");
	*ret = path;
	return 0;
}

/* URL.lzi, a query staying behind it. */
static char *url_of(const struct image_ref *ref)
{
	size_t len = strcspn(ref->text, "?");
	char *url = NULL;

	if (asprintf(&url, "%.*s" SUFFIX "%s", (int)len, ref->text,
		     ref->text + len) < 0)
		return NULL;
	return url;
}

/* Texts of any length as a key of refs/. */
static void format_key(const char *url, char ret[RESOLVE_CACHE_KEY_SIZE])
{
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;

	digest_compute(url, strlen(url), &digest);
	digest_format(&digest, text);
	snprintf(ret, RESOLVE_CACHE_KEY_SIZE, "index beside|%s", text);
}

int object_index_recall(const struct image_ref *ref, int cache_dir_fd,
			uint64_t age_s_max, struct digest *ret)
{
	autofree char *url = url_of(ref);
	char key[RESOLVE_CACHE_KEY_SIZE];

	if (!url)
		return -ENOENT;
	format_key(url, key);
	if (resolve_cache_load(cache_dir_fd, key, age_s_max, ret) !=
	    RESOLVE_CACHE_HIT)
		return -ENOENT;
	return digest_is_zero(ret) ? OBJECT_INDEX_ABSENT : OBJECT_INDEX_FOUND;
}

int object_index_keep(const uint8_t *bytes, size_t size, int cache_dir_fd,
		      const struct digest *name, struct digest *ret,
		      struct error *err)
{
	CLEANUP(index_file_closep) struct index_file *index = NULL;
	autoclose int packed = memfd_create("index", MFD_CLOEXEC);
	autoclose int raw = -1;
	int r;

	if (packed < 0)
		return error_set_errno(err, -errno, "cannot keep it");
	r = io_write_full(packed, bytes, size);
	if (r < 0)
		return error_set_errno(err, r, "cannot keep it");
	raw = index_store_create(cache_dir_fd, err);
	if (raw < 0)
		return raw;
	r = index_writer_repack(packed, raw, false, err);
	if (r == 0)
		r = index_file_open(raw, &index, err);
	if (r == 0)
		r = index_file_check(index, err);
	if (r < 0)
		return r;
	if (!name)
		name = index_file_manifest_digest(index);
	r = index_store_publish(cache_dir_fd, raw, name, err);
	if (r == 0 && ret)
		*ret = *index_file_manifest_digest(index);
	return r;
}

/* Return: OBJECT_INDEX_FOUND, OBJECT_INDEX_ABSENT, OBJECT_INDEX_UNKNOWN with
 * @err, or as object_index_keep(). */
static int fetch_from(const char *url,
		      const struct object_source_options *options,
		      int cache_dir_fd, struct digest *ret, struct error *err)
{
	autofree uint8_t *bytes = NULL;
	struct error why = { 0 };
	size_t size = 0;
	int r = object_source_fetch_small(url, FETCH_SIZE_MAX, options, &bytes,
					  &size, &why);

	if (r < 0) {
		log_event(LOG_DEBUG, "tools", "op=beside text=\"%s\"",
			  why.text);
		(void)error_set(err, why.code, "%s", why.text);
		return OBJECT_INDEX_UNKNOWN;
	}
	if (r != OBJECT_SOURCE_FOUND)
		return OBJECT_INDEX_ABSENT;
	r = object_index_keep(bytes, size, cache_dir_fd, NULL, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", url) : OBJECT_INDEX_FOUND;
}

/* What a cache sent is no index: its own answer instead of the origin's, it may
 * be.  Return: whether the origin gave one. */
static bool fetch_past_caches(const struct image_ref *ref, const char *url,
			      const struct object_source_options *options,
			      int cache_dir_fd, struct digest *ret)
{
	autofree char *direct = NULL;

	if (ref->kind != IMAGE_REF_OSDF || strstr(url, "directread") ||
	    asprintf(&direct, "%s%cdirectread", url,
		     strchr(url, '?') ? '&' : '?') < 0)
		return false;
	return fetch_from(direct, options, cache_dir_fd, ret, NULL) ==
	       OBJECT_INDEX_FOUND;
}

int object_index_fetch(const struct image_ref *ref,
		       const struct object_source_options *options,
		       int cache_dir_fd, struct digest *ret, struct error *err)
{
	autofree char *url = url_of(ref);
	char key[RESOLVE_CACHE_KEY_SIZE];
	struct error why = { 0 };
	struct digest digest = { 0 };
	int r;

	if (!url)
		return error_set(err, -ENOMEM, "out of memory");
	r = fetch_from(url, options, cache_dir_fd, &digest, &why);
	if (r == OBJECT_INDEX_UNKNOWN && why.code == -EACCES &&
	    ref->kind == IMAGE_REF_URL)
		return OBJECT_INDEX_ABSENT;
	if (r == -EBADMSG &&
	    fetch_past_caches(ref, url, options, cache_dir_fd, &digest))
		r = OBJECT_INDEX_FOUND;
	if (r < 0 || r == OBJECT_INDEX_UNKNOWN) {
		(void)error_set(err, why.code, "%s", why.text);
		return r;
	}
	if (r == OBJECT_INDEX_FOUND)
		*ret = digest;
	format_key(url, key);
	/* a full disk costs a round trip next time, nothing else */
	(void)resolve_cache_store(cache_dir_fd, key, &digest, NULL);
	return r;
}
