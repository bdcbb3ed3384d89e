/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/index_maker.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/io.h"
#include "common/le.h"
#include "index/hint_scan.h"
#include "index/index_file.h"
#include "index/index_format.h"
#include "index/index_writer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST "{\"schemaVersion\":2}"
#define CONFIG	 "{\"os\":\"linux\"}"

enum { WINDOWS_SIZE = INDEX_MAKER_CHUNK_COUNT * INDEX_MAKER_WINDOW_SIZE };

struct layer {
	struct index_writer_chunk chunks[INDEX_MAKER_CHUNK_COUNT];
	uint8_t windows[WINDOWS_SIZE];
};

struct index_maker {
	struct tree *tree;
	struct layer layers[INDEX_MAKER_LAYER_COUNT_MAX];
	struct index_writer_blob blobs[INDEX_MAKER_LAYER_COUNT_MAX];
	uint32_t layer_count;
	struct index_file *index; /* of index_maker_open() */
	int fd;
};

struct index_maker *index_maker_create(void)
{
	struct index_maker *maker = calloc(1, sizeof(*maker));

	assert(maker);
	maker->tree = tree_create();
	assert(maker->tree);
	maker->fd = -1;
	return maker;
}

void index_maker_destroy(struct index_maker *maker)
{
	if (!maker)
		return;
	index_file_close(maker->index);
	if (maker->fd >= 0)
		close(maker->fd);
	tree_destroy(maker->tree);
	free(maker);
}

static void make_chunk(struct layer *layer, uint32_t number, size_t i)
{
	struct index_writer_chunk *chunk = &layer->chunks[i];
	uint8_t *window = layer->windows + i * INDEX_MAKER_WINDOW_SIZE;
	struct digest digest;

	chunk->raw_off = i * INDEX_MAKER_CHUNK_SIZE;
	chunk->ref.codec = CODEC_DEFLATE_SPAN;
	chunk->ref.stored_off = 10 + i * INDEX_MAKER_STORED_SIZE;
	chunk->ref.stored_size = INDEX_MAKER_STORED_SIZE;
	chunk->ref.raw_size = INDEX_MAKER_CHUNK_SIZE;
	chunk->ref.start_bit = (uint8_t)(i % 8);
	chunk->ref.end_bit = (uint8_t)(1 + i % 8);
	digest_compute(&chunk->raw_off, sizeof(chunk->raw_off),
		       &chunk->ref.digest);
	if (i == 0)
		return;
	memset(window, (int)(number * 16 + (uint32_t)i),
	       INDEX_MAKER_WINDOW_SIZE);
	chunk->ref.window_size = INDEX_MAKER_WINDOW_SIZE;
	chunk->ref.window_off = i * INDEX_MAKER_WINDOW_SIZE;
	digest_compute(window, INDEX_MAKER_WINDOW_SIZE, &digest);
	memcpy(chunk->ref.window_digest, digest.bytes,
	       CHUNK_WINDOW_DIGEST_SIZE);
}

void index_maker_begin_layer(struct index_maker *maker)
{
	uint32_t number = maker->layer_count++;
	struct index_writer_blob *blob = &maker->blobs[number];
	struct layer *layer = &maker->layers[number];

	assert(number < INDEX_MAKER_LAYER_COUNT_MAX);
	for (size_t i = 0; i < INDEX_MAKER_CHUNK_COUNT; i++)
		make_chunk(layer, number, i);
	memset(blob->digest.bytes, (int)number + 1, DIGEST_SIZE);
	memset(blob->diff_id.bytes, (int)number + 0x81, DIGEST_SIZE);
	blob->size = 18 + INDEX_MAKER_CHUNK_COUNT * INDEX_MAKER_STORED_SIZE;
	blob->raw_size =
		(uint64_t)INDEX_MAKER_CHUNK_COUNT * INDEX_MAKER_CHUNK_SIZE;
	blob->chunks = layer->chunks;
	blob->chunk_count = INDEX_MAKER_CHUNK_COUNT;
	blob->windows = layer->windows;
	blob->windows_size = WINDOWS_SIZE;
	tree_begin_layer(maker->tree, number);
}

int index_maker_add(struct index_maker *maker, const struct tree_entry *entry)
{
	struct error err = { 0 };
	int r = tree_add(maker->tree, entry, &err);

	assert(r == err.code);
	return r;
}

static void must_add(struct index_maker *maker, const struct tree_entry *entry)
{
	int r = index_maker_add(maker, entry);

	if (r < 0)
		fprintf(stderr, "cannot add %s: %d\n", entry->path, r);
	assert(r == 0);
}

void index_maker_add_path(struct index_maker *maker, const char *path,
			  uint32_t mode)
{
	must_add(maker, &(struct tree_entry){
				.path = path,
				.mode = mode,
				.symlink = S_ISLNK(mode) ? "target" : NULL });
}

void index_maker_add_link(struct index_maker *maker, const char *path,
			  const char *target)
{
	must_add(maker, &(struct tree_entry){ .path = path,
					      .hard_link = target,
					      .mode = S_IFREG | 0600 });
}

void index_maker_add_file(struct index_maker *maker, const char *path,
			  const void *data, size_t size, uint32_t chunk)
{
	const struct tree_extent extent = {
		.size = size,
		.raw_off = (uint64_t)chunk * INDEX_MAKER_CHUNK_SIZE,
	};
	struct hint_scan *scan = hint_scan_create();
	int r;

	assert(scan && size <= INDEX_MAKER_CHUNK_SIZE &&
	       chunk < INDEX_MAKER_CHUNK_COUNT);
	hint_scan_begin(scan, path, size);
	r = hint_scan_feed(scan, 0, data, size);
	assert(r == 0);
	r = hint_scan_end(scan);
	assert(r == 0);
	must_add(maker, &(struct tree_entry){ .path = path,
					      .mode = S_IFREG | 0755,
					      .size = size,
					      .extents = &extent,
					      .extent_count = size > 0,
					      .facts = scan->facts.data,
					      .facts_size = scan->facts.size });
	hint_scan_destroy(scan);
}

void index_maker_add_symlink(struct index_maker *maker, const char *path,
			     const char *target)
{
	must_add(maker, &(struct tree_entry){ .path = path,
					      .symlink = target,
					      .mode = S_IFLNK | 0777 });
}

void index_maker_add_all(struct index_maker *maker)
{
	static const struct tree_xattr xattrs[] = {
		{ "user.b", "two", 3 },
		{ "security.capability", "\1\0\0\2", 4 },
	};
	static const struct tree_extent whole[] = { { 0, 5000, 512 } };
	static const struct tree_extent sparse[] = { { 100, 200, 8192 },
						     { 9000, 1000, 8392 } };

	index_maker_begin_layer(maker);
	must_add(maker, &(struct tree_entry){ .path = "./",
					      .mode = S_IFDIR | 0711,
					      .mtime_s = -1,
					      .mtime_ns = 5 });
	must_add(maker, &(struct tree_entry){ .path = "bin/file",
					      .mode = S_IFREG | 04755,
					      .uid = 70000,
					      .gid = UINT32_MAX - 1,
					      .mtime_s = 1700000000,
					      .mtime_ns = 999999999,
					      .size = 5000,
					      .extents = whole,
					      .extent_count = 1,
					      .xattrs = xattrs,
					      .xattr_count = 2 });
	index_maker_add_link(maker, "bin/other", "bin/file");
	index_maker_add_path(maker, "bin/removed", S_IFREG | 0644);
	must_add(maker, &(struct tree_entry){ .path = "dev/null",
					      .mode = S_IFCHR | 0666,
					      .rdev_major = 1,
					      .rdev_minor = 3 });
	must_add(maker, &(struct tree_entry){ .path = "dev/sda",
					      .mode = S_IFBLK | 0660,
					      .rdev_major = 8,
					      .rdev_minor = 1 << 20 });
	index_maker_add_path(maker, "run/fifo", S_IFIFO | 0600);
	index_maker_add_path(maker, "run/socket", S_IFSOCK | 0600);
	index_maker_begin_layer(maker);
	index_maker_add_symlink(maker, "lib", "usr/lib");
	index_maker_add_path(maker, "lib/deep/er/empty", S_IFREG | 0644);
	index_maker_add_path(maker, "bin/.wh.removed", S_IFREG);
	index_maker_add_path(maker, "bin/\xff\xfe", S_IFREG | 0644);
	must_add(maker, &(struct tree_entry){ .path = "sparse",
					      .mode = S_IFREG | 0644,
					      .size = 20000,
					      .extents = sparse,
					      .extent_count = 2 });
	must_add(maker, &(struct tree_entry){ .path = "hole",
					      .mode = S_IFREG | 0644,
					      .size = 1 << 20 });
}

int index_maker_write(struct index_maker *maker, bool is_packed)
{
	struct index_writer_image image = {
		.manifest = MANIFEST,
		.manifest_size = strlen(MANIFEST),
		.config = CONFIG,
		.config_size = strlen(CONFIG),
		.blobs = maker->blobs,
		.blob_count = maker->layer_count,
		.tree = maker->tree,
	};
	struct error err = { 0 };
	int fd = memfd_create("index", MFD_CLOEXEC);
	int r;

	assert(fd >= 0);
	digest_compute(MANIFEST, strlen(MANIFEST), &image.manifest_digest);
	r = index_writer_write(fd, &image, is_packed, &err);
	if (r < 0)
		fprintf(stderr, "%s\n", err.text);
	assert(r == 0);
	return fd;
}

struct index_file *index_maker_open(struct index_maker *maker)
{
	struct error err = { 0 };
	int r;

	assert(!maker->index);
	maker->fd = index_maker_write(maker, false);
	r = index_file_open(maker->fd, &maker->index, &err);
	if (r == 0)
		r = index_file_check(maker->index, &err);
	if (r < 0)
		fprintf(stderr, "%s\n", err.text);
	assert(r == 0);
	return maker->index;
}

static void append_line(const struct index_file *index, uint32_t dir,
			const struct index_dirent *dirent, FILE *ret)
{
	static const char types[] = "?pc?d?b?-?l?s???";
	struct index_inode inode;
	char path[8192];
	const char *target;
	size_t size;

	assert(index_file_get_inode(index, dirent->inode, &inode) == 0);
	assert(index_file_get_path(index, dir, path, sizeof(path)) == 0);
	fprintf(ret, "%c %04o %u %s/%.*s", types[inode.mode >> 12],
		inode.mode & 07777, inode.nlink, path[1] ? path : "",
		(int)dirent->name_size, dirent->name);
	if (index_file_get_symlink(index, dirent->inode, &target, &size) == 0)
		fprintf(ret, " -> %.*s", (int)size, target);
	fputc('\n', ret);
}

/* The inode numbers' order is that of the directories' turn: depth first. */
char *index_maker_list(struct index_maker *maker)
{
	const struct index_file *index = index_maker_open(maker);
	struct index_dirent dirent;
	struct index_figures figures;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert(file);
	index_file_get_figures(index, &figures);
	for (uint32_t dir = 1; dir <= figures.inode_count; dir++)
		for (uint32_t i = 0;
		     index_file_get_dirent(index, dir, i, &dirent) == 0; i++)
			append_line(index, dir, &dirent, file);
	fclose(file);
	return text;
}

/* ---- files ---- */

int index_maker_from_bytes(const void *data, size_t size)
{
	int fd = memfd_create("index", MFD_CLOEXEC);

	assert(fd >= 0 && io_write_full(fd, data, size) == 0);
	return fd;
}

uint8_t *index_maker_to_bytes(int fd, size_t *ret_size)
{
	struct stat st;
	uint8_t *data;

	assert(fstat(fd, &st) == 0);
	*ret_size = (size_t)st.st_size;
	data = malloc(*ret_size + 1);
	assert(data && io_pread_full(fd, 0, *ret_size, data) == 0);
	return data;
}

void index_maker_reseal(int fd)
{
	size_t size;
	autofree uint8_t *data = index_maker_to_bytes(fd, &size);
	struct index_format_header *header = (void *)data;

	if (size < sizeof(*header))
		return;
	for (unsigned i = 0; i < INDEX_FORMAT_SECTION_COUNT_MAX; i++) {
		struct index_format_section *section = &header->sections[i];
		uint64_t off = le_load64(section->off);
		uint64_t stored_size = le_load64(section->stored_size);

		if (le_load32(section->type) == INDEX_FORMAT_WINDOW ||
		    !le_range_fits(off, stored_size, size))
			continue;
		le_store64(section->hash, hash_xxh3(data + off, stored_size));
	}
	le_store64(header->hash,
		   hash_xxh3(data, offsetof(struct index_format_header, hash)));
	assert(pwrite(fd, data, sizeof(*header), 0) == sizeof(*header));
}

/* ---- walking ---- */

static uint64_t walk_pieces(const struct index_file *index, uint32_t number)
{
	struct index_piece piece;
	struct index_inode inode = { 0 };
	uint64_t count = 0;
	uint64_t off = 0;

	/* a hostile index may have endless files */
	while (count < 100 &&
	       index_file_get_piece(index, number, off, &piece) == 0) {
		struct chunk_ref ref;

		assert(index_file_get_inode(index, number, &inode) < 0 ||
		       piece.off + piece.size <= inode.size);
		assert(piece.off == off && piece.size > 0);
		if (piece.chunk != INDEX_NO_CHUNK &&
		    chunk_table_get(index_file_chunks(index), piece.chunk,
				    &ref) == 0)
			assert(piece.chunk_off + piece.size <= ref.raw_size);
		off += piece.size;
		count++;
	}
	return count;
}

static uint64_t walk_inode(const struct index_file *index, uint32_t number)
{
	char path[300];
	struct index_inode inode;
	struct index_dirent dirent;
	struct index_xattr xattr;
	const char *target;
	uint64_t count;
	uint32_t child;
	size_t size;

	count = index_file_get_inode(index, number, &inode) == 0;
	for (uint32_t i = 0;
	     i < 1000 && index_file_get_dirent(index, number, i, &dirent) == 0;
	     i++, count++)
		if (index_file_lookup(index, number, dirent.name,
				      dirent.name_size, &child) == 0)
			count += child > 0;
	for (uint32_t i = 0;
	     index_file_get_xattr(index, number, i, &xattr) == 0; i++)
		count += xattr.value_size + xattr.name[0] > 0;
	if (index_file_get_symlink(index, number, &target, &size) == 0)
		count += size > 0 && target[0] != '\0';
	count += index_file_get_path(index, number, path, sizeof(path)) == 0;
	return count + walk_pieces(index, number);
}

uint64_t index_maker_walk(const struct index_file *index)
{
	const struct chunk_table *chunks = index_file_chunks(index);
	struct index_figures figures;
	struct index_blob blob;
	uint8_t window[CHUNK_WINDOW_SIZE_MAX];
	uint64_t count = 0;
	uint32_t inode;

	index_file_get_figures(index, &figures);
	for (uint32_t i = 0; i <= figures.inode_count + 1; i++)
		count += walk_inode(index, i);
	for (uint32_t i = 0; i <= chunks->count; i++) {
		struct chunk_ref ref;

		if (chunk_table_get(chunks, i, &ref) < 0)
			continue;
		count++;
		if (ref.window_size > 0 &&
		    chunk_table_load_window(chunks, &ref, window) == 0)
			count++;
	}
	for (uint32_t i = 0; i <= figures.blob_count; i++)
		count += index_file_get_blob(index, i, &blob) == 0;
	count += index_file_resolve(index, "/lib/deep/er/../../x", true,
				    &inode) == 0;
	return count + (index_file_check(index, NULL) == 0);
}
