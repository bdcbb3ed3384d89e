/* SPDX-License-Identifier: Apache-2.0 */
#include "image/oci_layout.h"

#include "common/buffer.h"
#include "common/error.h"
#include "common/io.h"
#include "fetch/file_blob.h"
#include "image/json_reader.h"
#include "image/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	VERSION_FILE_SIZE_MAX = 4096,
	BLOB_PATH_SIZE = sizeof("blobs/sha256/") + DIGEST_HEX_SIZE,
};

struct oci_layout {
	int dir_fd;
	char *path; /* as given, for errors */
};

static int check_version(const struct oci_layout *layout, struct error *err)
{
	struct buffer text CLEANUP(buffer_fini) =
		BUFFER_INIT(VERSION_FILE_SIZE_MAX);
	CLEANUP(json_reader_unrefp) json_t *root = NULL;
	const char *version = NULL;
	int r = io_read_file(layout->dir_fd, "oci-layout", &text, err);

	if (r == -ENOENT)
		return error_set(err, r,
				 "%s is not an OCI layout: it has no "
				 "oci-layout file",
				 layout->path);
	if (r == 0)
		r = json_reader_parse(text.data, text.size,
				      VERSION_FILE_SIZE_MAX, "oci-layout",
				      &root, err);
	if (r == 0)
		r = json_reader_get_text(root, "imageLayoutVersion", &version,
					 err);
	if (r == 0 && !version)
		r = error_set(err, -EPROTO, "no imageLayoutVersion");
	if (r == 0 && strncmp(version, "1.", 2) != 0)
		r = error_set(err, -ENOTSUP, "layout version \"%.32s\"",
			      version);
	return r < 0 ? error_prefix(err, r, "%s", layout->path) : 0;
}

int oci_layout_open(const char *path, struct oci_layout **ret,
		    struct error *err)
{
	CLEANUP(oci_layout_closep) struct oci_layout *layout = NULL;
	int r;

	layout = calloc(1, sizeof(*layout));
	if (!layout)
		return error_set(err, -ENOMEM, "out of memory");
	layout->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (layout->dir_fd < 0)
		return error_set_errno(err, -errno, "cannot open OCI layout %s",
				       path);
	layout->path = strdup(path);
	if (!layout->path)
		return error_set(err, -ENOMEM, "out of memory");
	r = check_version(layout, err);
	if (r < 0)
		return r;
	*ret = STEAL_PTR(layout);
	return 0;
}

void oci_layout_close(struct oci_layout *layout)
{
	if (!layout)
		return;
	if (layout->dir_fd >= 0)
		close(layout->dir_fd);
	free(layout->path);
	free(layout);
}

void oci_layout_index_fini(struct oci_layout_index *index)
{
	for (uint32_t i = 0; i < index->count; i++) {
		descriptor_fini(&index->entries[i].descriptor);
		free(index->entries[i].tag);
	}
	free(index->entries);
	*index = (struct oci_layout_index){ 0 };
}

static int load_entry(const json_t *json, struct oci_layout_entry *ret,
		      struct error *err)
{
	json_t *annotations = NULL;
	int r = descriptor_parse(json, &ret->descriptor, err);

	if (r == 0)
		r = json_reader_get_object(json, "annotations", &annotations,
					   err);
	if (r == 0)
		r = json_reader_copy_text(annotations,
					  "org.opencontainers.image.ref.name",
					  &ret->tag, err);
	return r;
}

static int load_entries(const json_t *root, struct oci_layout_index *index,
			struct error *err)
{
	json_t *array = NULL;
	size_t count;
	int r = json_reader_get_array(root, "manifests", &array, err);

	if (r < 0)
		return r;
	count = json_array_size(array);
	if (count > MANIFEST_ENTRIES_MAX)
		return error_set(err, -EFBIG,
				 "%zu images; at most %d are supported", count,
				 MANIFEST_ENTRIES_MAX);
	index->entries = calloc(count + 1, sizeof(*index->entries));
	if (!index->entries)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		index->count++;
		r = load_entry(json_array_get(array, i), &index->entries[i],
			       err);
		if (r < 0)
			return error_prefix(err, r, "image %zu", i);
	}
	return 0;
}

int oci_layout_load_index(const struct oci_layout *layout,
			  struct oci_layout_index *ret, struct error *err)
{
	struct oci_layout_index index CLEANUP(oci_layout_index_fini) = { 0 };
	struct buffer text CLEANUP(buffer_fini) =
		BUFFER_INIT(MANIFEST_SIZE_MAX);
	CLEANUP(json_reader_unrefp) json_t *root = NULL;
	int r = io_read_file(layout->dir_fd, "index.json", &text, err);

	if (r == 0)
		r = json_reader_parse(text.data, text.size, MANIFEST_SIZE_MAX,
				      "index.json", &root, err);
	if (r == 0)
		r = load_entries(root, &index, err);
	if (r < 0)
		return error_prefix(err, r, "OCI layout %s", layout->path);
	*ret = index;
	index = (struct oci_layout_index){ 0 };
	return 0;
}

static int refuse_tag(const struct oci_layout_index *index, const char *tag,
		      struct error *err)
{
	char tags[512] = "";
	size_t size = 0;

	for (uint32_t i = 0; i < index->count && size < sizeof(tags) - 1; i++) {
		if (!index->entries[i].tag[0])
			continue;
		snprintf(tags + size, sizeof(tags) - size, "%s%.128s",
			 size ? ", " : "", index->entries[i].tag);
		size = strlen(tags);
	}
	if (index->count == 0)
		return error_set(err, -ENOENT, "the OCI layout is empty");
	if (!tag)
		return error_set(err, -ENOENT,
				 "the OCI layout holds %u images; name one by "
				 "its tag: %s",
				 index->count, size ? tags : "none has any");
	return error_set(err, -ENOENT,
			 "the OCI layout has no image \"%.128s\"; it has %s",
			 tag, size ? tags : "none with a tag");
}

int oci_layout_find_entry(const struct oci_layout_index *index, const char *tag,
			  const struct oci_layout_entry **ret,
			  struct error *err)
{
	for (uint32_t i = 0; tag && i < index->count; i++) {
		if (strcmp(index->entries[i].tag, tag) != 0)
			continue;
		*ret = &index->entries[i];
		return 0;
	}
	if (tag || index->count != 1)
		return refuse_tag(index, tag, err);
	*ret = &index->entries[0];
	return 0;
}

static void format_blob_path(const struct digest *digest,
			     char ret[BLOB_PATH_SIZE])
{
	char hex[DIGEST_HEX_SIZE];

	digest_format_hex(digest, hex);
	snprintf(ret, BLOB_PATH_SIZE, "blobs/sha256/%s", hex);
}

int oci_layout_open_file(const struct oci_layout *layout,
			 const struct digest *digest, int *ret_fd,
			 uint64_t *ret_size, struct error *err)
{
	char path[BLOB_PATH_SIZE];
	autoclose int fd = -1;
	struct stat st;

	format_blob_path(digest, path);
	/* not to wait for a writer, were it a FIFO */
	fd = openat(layout->dir_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, -errno, "cannot open %s/%s",
				       layout->path, path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EPROTO, "%s/%s is not a regular file",
				 layout->path, path);
	*ret_fd = STEAL_FD(fd);
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

int oci_layout_load_blob(const struct oci_layout *layout,
			 const struct digest *digest, size_t size_max,
			 uint8_t **ret, size_t *ret_size, struct error *err)
{
	char text[DIGEST_TEXT_SIZE];
	autofree uint8_t *data = NULL;
	autoclose int fd = -1;
	struct digest found;
	uint64_t size = 0;
	int r = oci_layout_open_file(layout, digest, &fd, &size, err);

	if (r < 0)
		return r;
	digest_format(digest, text);
	if (size > size_max)
		return error_set(err, -EFBIG,
				 "%s in %s is larger than %zu bytes", text,
				 layout->path, size_max);
	data = malloc((size_t)size + 1);
	if (!data)
		return error_set(err, -ENOMEM, "out of memory");
	r = io_pread_full(fd, 0, (size_t)size, data);
	if (r < 0)
		return error_set_errno(err, r, "cannot read %s in %s", text,
				       layout->path);
	digest_compute(data, (size_t)size, &found);
	if (!digest_equal(&found, digest))
		return error_set(err, -EBADMSG,
				 "%s in %s is damaged: its bytes do not match "
				 "its digest; copy the image again",
				 text, layout->path);
	data[size] = '\0';
	*ret = STEAL_PTR(data);
	*ret_size = (size_t)size;
	return 0;
}

int oci_layout_open_blob(const struct oci_layout *layout,
			 const struct digest *digest, uint64_t size,
			 struct range_source **ret, struct error *err)
{
	char path[BLOB_PATH_SIZE];
	int r;

	format_blob_path(digest, path);
	r = file_blob_open(layout->dir_fd, path, size, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", layout->path) : 0;
}
