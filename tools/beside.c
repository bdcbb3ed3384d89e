/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/beside.h"

#include "common/byte_stream.h"
#include "common/cleanup.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/io.h"
#include "fetch/blob_stream.h"
#include "fetch/profile.h"
#include "fetch/range_source.h"
#include "image/image.h"
#include "image/image_artifact.h"
#include "index/index_file.h"
#include "index/index_writer.h"
#include "tools/index_store.h"
#include "tools/profile_store.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_SIZE = 256 << 10 };

/* An index of 200 GB of layers; what the format allows. */
#define INDEX_SIZE_MAX (4ull << 30)

static int copy_checked(struct byte_stream *stream,
			const struct descriptor *blob, int fd,
			struct error *err)
{
	struct digest_stream *digester = digest_stream_create();
	autofree uint8_t *data = malloc(COPY_SIZE);
	struct digest digest = { 0 };
	ssize_t n = 0;
	int r = 0;

	if (!digester || !data)
		r = error_set(err, -ENOMEM, "out of memory");
	while (r == 0 &&
	       (n = byte_stream_read(stream, data, COPY_SIZE, err)) > 0) {
		digest_stream_update(digester, data, (size_t)n);
		r = io_write_full(fd, data, (size_t)n);
		if (r < 0)
			error_set_errno(err, r, "cannot keep it");
	}
	if (r == 0 && n < 0)
		r = (int)n;
	if (r == 0)
		digest_stream_finish(digester, &digest);
	if (r == 0 && !digest_equal(&digest, &blob->digest))
		r = error_set(err, -EBADMSG,
			      "other bytes came than its digest names");
	digest_stream_destroy(digester);
	return r;
}

static int download(struct image *image, const struct descriptor *blob, int fd,
		    struct error *err)
{
	CLEANUP(range_source_destroyp) struct range_source *source = NULL;
	struct byte_stream *stream = NULL;
	int r;

	if (blob->size == 0 || blob->size > INDEX_SIZE_MAX)
		return error_set(err, -EFBIG,
				 "%" PRIu64 " bytes: no index or "
				 "profile has so many",
				 blob->size);
	r = image_artifact_open(image, blob, &source, err);
	if (r == 0)
		r = blob_stream_create(source, NULL, &stream, err);
	if (r < 0)
		return r;
	r = copy_checked(stream, blob, fd, err);
	byte_stream_destroy(stream);
	return r;
}

static int check_index(const struct image *image, int fd, struct error *err)
{
	CLEANUP(index_file_closep) struct index_file *index = NULL;
	int r = index_file_open(fd, &index, err);

	if (r == 0 && !digest_equal(index_file_manifest_digest(index),
				    image_manifest_digest(image)))
		r = error_set(err, -EBADMSG, "it is of another image");
	return r;
}

static int fetch_index(struct image *image, int cache_dir_fd,
		       const struct image_artifacts *artifacts,
		       struct error *err)
{
	struct descriptor blob CLEANUP(descriptor_fini) = { 0 };
	autoclose int packed_fd = -1;
	autoclose int fd = -1;
	int r = image_artifact_find(image, artifacts, IMAGE_ARTIFACT_INDEX,
				    &blob, err);

	if (r < 0)
		return r;
	packed_fd = index_store_create(cache_dir_fd, err);
	fd = packed_fd < 0 ? packed_fd : index_store_create(cache_dir_fd, err);
	if (fd < 0)
		return fd;
	r = download(image, &blob, packed_fd, err);
	if (r == 0)
		r = index_writer_repack(packed_fd, fd, false, err);
	if (r == 0)
		r = check_index(image, fd, err);
	if (r < 0)
		return error_prefix(err, r, "the index beside %s",
				    image_reference(image));
	return index_store_publish(cache_dir_fd, fd,
				   image_manifest_digest(image), err);
}

static int read_profile(int fd, uint64_t size, struct profile *ret,
			struct error *err)
{
	autofree uint8_t *data = NULL;
	int r;

	if (size > PROFILE_SIZE_MAX)
		return error_set(err, -EFBIG, "it is larger than any");
	data = malloc((size_t)size + 1);
	if (!data)
		return error_set(err, -ENOMEM, "out of memory");
	r = io_pread_full(fd, 0, (size_t)size, data);
	if (r < 0)
		return error_set_errno(err, r, "cannot read it back");
	return profile_decode(data, (size_t)size, ret, err);
}

/* What the cache knows stays, where it knows it better. */
static int merge_profile(const struct image *image, int cache_dir_fd,
			 const struct profile *fetched, struct error *err)
{
	struct profile known CLEANUP(profile_fini) = { 0 };
	int r;

	if (!digest_equal(&fetched->image, image_manifest_digest(image)))
		return error_set(err, -EBADMSG, "it is of another image");
	r = profile_store_load(cache_dir_fd, &fetched->image, &known, NULL);
	if (r == 0)
		r = profile_merge(&known, fetched);
	if (r == -ENOMEM)
		return error_set(err, r, "out of memory");
	return profile_store_save(cache_dir_fd, r < 0 ? fetched : &known, err);
}

static int fetch_profile(struct image *image, int cache_dir_fd,
			 const struct image_artifacts *artifacts,
			 struct error *err)
{
	struct descriptor blob CLEANUP(descriptor_fini) = { 0 };
	struct profile profile CLEANUP(profile_fini) = { 0 };
	autoclose int fd = -1;
	int r = image_artifact_find(image, artifacts, IMAGE_ARTIFACT_PROFILE,
				    &blob, err);

	if (r < 0)
		return r;
	fd = index_store_create(cache_dir_fd, err);
	if (fd < 0)
		return fd;
	r = download(image, &blob, fd, err);
	if (r == 0)
		r = read_profile(fd, blob.size, &profile, err);
	if (r == 0)
		r = merge_profile(image, cache_dir_fd, &profile, err);
	return r < 0 ? error_prefix(err, r, "the profile beside %s",
				    image_reference(image))
		     : 0;
}

int beside_fetch(struct image *image, int cache_dir_fd,
		 struct beside_found *ret, struct error *err)
{
	struct image_artifacts artifacts CLEANUP(
		image_artifact_list_fini) = { 0 };
	int r = image_artifact_list(image, &artifacts, err);

	*ret = (struct beside_found){ 0 };
	if (r == 0) {
		r = fetch_index(image, cache_dir_fd, &artifacts, err);
		ret->has_index = r == 0;
	}
	if (r == 0 || r == -ENOENT) {
		r = artifacts.json ? fetch_profile(image, cache_dir_fd,
						   &artifacts, err)
				   : -ENOENT;
		ret->has_profile = r == 0;
	}
	if (r == -ENOENT) {
		if (err)
			*err = (struct error){ 0 };
		return 0;
	}
	return r;
}

int beside_push_index(struct image *image, int fd, struct error *err)
{
	struct stat st;
	void *data;
	int r;

	if (fstat(fd, &st) < 0 || st.st_size <= 0)
		return error_set(err, -EIO, "cannot read the index back");
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return error_set_errno(err, -errno, "cannot map the index");
	r = image_artifact_push(image, IMAGE_ARTIFACT_INDEX, data,
				(size_t)st.st_size, err);
	munmap(data, (size_t)st.st_size);
	return r;
}

int beside_push_profile(struct image *image, int cache_dir_fd,
			struct error *err)
{
	struct profile profile CLEANUP(profile_fini) = { 0 };
	autofree uint8_t *data = NULL;
	size_t size = 0;
	int r = profile_store_load(cache_dir_fd, image_manifest_digest(image),
				   &profile, err);

	if (r < 0)
		return r;
	r = profile_encode(&profile, &data, &size);
	if (r < 0)
		return error_set(err, r, "out of memory");
	return image_artifact_push(image, IMAGE_ARTIFACT_PROFILE, data, size,
				   err);
}
