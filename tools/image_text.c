/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/image_text.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "fetch/chunk_loader.h"
#include "index/index_file.h"
#include "run/run_path.h"
#include "tools/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int append_zeros(struct buffer *ret, uint64_t size)
{
	int r = size > ret->size_max ? -EFBIG
				     : buffer_reserve(ret, (size_t)size);

	if (r < 0)
		return r;
	memset(ret->data + ret->size, 0, (size_t)size);
	ret->size += (size_t)size;
	return 0;
}

static int append_piece(struct session *session,
			const struct index_piece *piece, struct buffer *ret,
			struct error *err)
{
	CLEANUP(chunk_unrefp) struct chunk *chunk = NULL;
	int r;

	if (piece->chunk == INDEX_NO_CHUNK)
		return append_zeros(ret, piece->size);
	r = chunk_loader_get(session_loader(session), piece->chunk, &chunk,
			     err);
	if (r < 0)
		return r;
	r = buffer_reserve(ret, piece->size);
	if (r == 0)
		r = chunk_read(chunk, piece->chunk_off, piece->size,
			       ret->data + ret->size);
	if (r == 0)
		ret->size += piece->size;
	return r;
}

static int load_indexed(struct session *session, const char *path,
			struct buffer *ret, struct error *err)
{
	const struct index_file *index = session_index(session);
	struct index_inode inode;
	struct index_piece piece;
	uint32_t number;
	int r = 0;

	if (index_file_resolve(index, path, true, &number) < 0 ||
	    index_file_get_inode(index, number, &inode) < 0 ||
	    !S_ISREG(inode.mode))
		return -ENOENT;
	if (inode.size > ret->size_max)
		return error_set(err, -EFBIG, "%s is too large", path);
	for (uint64_t off = 0; r == 0 && off < inode.size; off += piece.size) {
		r = index_file_get_piece(index, inode.number, off, &piece);
		if (r < 0)
			return error_set(err, r, "the index is damaged");
		r = append_piece(session, &piece, ret, err);
	}
	return r;
}

static int load_plain(int dir_fd, const char *path, struct buffer *ret,
		      struct error *err)
{
	autoclose int fd = run_path_open(dir_fd, path, O_RDONLY | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -ENOENT;
	for (;;) {
		char piece[4096];
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? error_set_errno(err, -errno, "%s", path)
				     : 0;
		r = buffer_append(ret, piece, (size_t)n);
		if (r < 0)
			return error_set_errno(err, r, "%s", path);
	}
}

int image_text_load(const struct image_text_source *source, const char *path,
		    struct buffer *ret, struct error *err)
{
	int r = source->session ? load_indexed(source->session, path, ret, err)
				: load_plain(source->dir_fd, path, ret, err);

	return r < 0 ? r : buffer_terminate(ret);
}

static int list_indexed(const struct index_file *index, const char *path,
			image_text_visit_fn *visit, void *arg,
			struct error *err)
{
	struct index_dirent entry;
	struct index_inode inode;
	char name[NAME_MAX + 1];
	uint32_t number;
	int r = 0;

	if (index_file_resolve(index, path, true, &number) < 0 ||
	    index_file_get_inode(index, number, &inode) < 0 ||
	    !S_ISDIR(inode.mode))
		return 0;
	for (uint32_t i = 0; r == 0; i++) {
		r = index_file_get_dirent(index, number, i, &entry);
		if (r == -ENOENT)
			return 0;
		if (r == 0)
			r = index_file_get_inode(index, entry.inode, &inode);
		if (r < 0)
			return error_set(err, r, "the index is damaged");
		if (!S_ISDIR(inode.mode))
			continue;
		memcpy(name, entry.name, entry.name_size);
		name[entry.name_size] = '\0';
		r = visit(arg, name);
	}
	return r;
}

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int list_plain(int dir_fd, const char *path, image_text_visit_fn *visit,
		      void *arg)
{
	autoclose int fd = run_path_open(dir_fd, path, O_RDONLY | O_DIRECTORY);
	struct dirent **entries = NULL;
	int count =
		fd < 0 ? 0 : scandirat(fd, ".", &entries, is_name, alphasort);
	struct stat st;
	int r = 0;

	for (int i = 0; i < count; i++) {
		if (r == 0 &&
		    fstatat(fd, entries[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			    0 &&
		    S_ISDIR(st.st_mode))
			r = visit(arg, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int image_text_list(const struct image_text_source *source, const char *path,
		    image_text_visit_fn *visit, void *arg, struct error *err)
{
	if (source->session)
		return list_indexed(session_index(source->session), path, visit,
				    arg, err);
	return list_plain(source->dir_fd, path, visit, arg);
}
