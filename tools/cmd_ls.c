/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ls and cat: look into an image without a mount.
 */
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "fetch/chunk_loader.h"
#include "image/image_ref.h"
#include "index/index_file.h"
#include "tools/command.h"
#include "tools/index_walk.h"
#include "tools/session.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct ls_options {
	struct common_options common;
	bool is_long;
	bool is_recursive;
	bool directory_itself;
};

#define OPT(member) offsetof(struct ls_options, member)

static const struct option ls_option_table[] = {
	{ "long", 'l', OPTION_FLAG, NULL,
	  "mode, links, owner, size and time too", NULL, OPT(is_long) },
	{ "recursive", 'R', OPTION_FLAG, NULL, "everything below too", NULL,
	  OPT(is_recursive) },
	{ "directory", 0, OPTION_FLAG, NULL,
	  "a directory itself, not what is in it", NULL,
	  OPT(directory_itself) },
	{ 0 },
};

struct listing {
	const struct ls_options *options;
	const struct index_file *index;
	const char *start; /* path the listing begins at */
};

static void format_mode(uint32_t mode, char ret[11])
{
	static const char types[] = "?pc?d?b?-?l?s???";
	static const char bits[] = "rwxrwxrwx";

	ret[0] = types[(mode & S_IFMT) >> 12];
	for (int i = 0; i < 9; i++)
		ret[1 + i] = mode & (0400U >> i) ? bits[i] : '-';
	if (mode & S_ISUID)
		ret[3] = ret[3] == 'x' ? 's' : 'S';
	if (mode & S_ISGID)
		ret[6] = ret[6] == 'x' ? 's' : 'S';
	if (mode & S_ISVTX)
		ret[9] = ret[9] == 'x' ? 't' : 'T';
	ret[10] = '\0';
}

static void print_long(const struct listing *listing, const char *name,
		       const struct index_inode *inode)
{
	const char *target = NULL;
	size_t target_size = 0;
	char mode[11];
	char when[32] = "";
	time_t seconds = (time_t)inode->mtime_s;
	struct tm tm;

	format_mode(inode->mode, mode);
	if (gmtime_r(&seconds, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s %3u %5u %5u ", mode, inode->nlink, inode->uid, inode->gid);
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		printf("%6u,%5u", inode->rdev_major, inode->rdev_minor);
	else
		printf("%12llu", (unsigned long long)inode->size);
	printf(" %s %s", when, name);
	if (S_ISLNK(inode->mode) &&
	    index_file_get_symlink(listing->index, inode->number, &target,
				   &target_size) == 0)
		printf(" -> %.*s", (int)target_size, target);
	printf("\n");
}

static void print_json(const char *name, const struct index_inode *inode)
{
	/* names that are not UTF-8 cannot stand in JSON; %q-like escapes */
	json_t *json =
		json_pack("{s:o?, s:i, s:i, s:i, s:i, s:I, s:I}", "path",
			  json_string(name), "mode", (int)inode->mode, "nlink",
			  (int)inode->nlink, "uid", (int)inode->uid, "gid",
			  (int)inode->gid, "size", (json_int_t)inode->size,
			  "mtime", (json_int_t)inode->mtime_s);

	if (json)
		json_dumpf(json, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(json);
}

static void print_entry(const struct listing *listing, const char *name,
			const struct index_inode *inode)
{
	if (listing->options->common.json)
		print_json(name, inode);
	else if (listing->options->is_long)
		print_long(listing, name, inode);
	else
		printf("%s\n", name);
}

static int list_below(void *arg, const char *path,
		      const struct index_inode *inode, struct error *err)
{
	const struct listing *listing = arg;

	(void)err;
	print_entry(listing, path, inode);
	return 0;
}

static int list_directory(const struct listing *listing, uint32_t directory,
			  struct error *err)
{
	struct index_dirent dirent;
	struct index_inode inode;
	char name[256];
	uint32_t position = 0;
	int r;

	while ((r = index_file_get_dirent(listing->index, directory, position++,
					  &dirent)) == 0) {
		snprintf(name, sizeof(name), "%.*s", (int)dirent.name_size,
			 dirent.name);
		r = index_file_get_inode(listing->index, dirent.inode, &inode);
		if (r < 0)
			break;
		print_entry(listing, name, &inode);
	}
	return r == -ENOENT ? 0
			    : error_set(err, r, "the index is damaged at %s",
					listing->start);
}

/* Opens the image of "IMAGE:/path" and finds the path's inode. */
static int open_path(const char *text, const struct common_options *options,
		     enum session_need need, bool follow,
		     struct session **ret_session, const char **ret_path,
		     struct index_inode *ret, struct error *err)
{
	autofree char *image = NULL;
	uint32_t number;
	int r;

	r = image_ref_split_path(text, &image, ret_path, err);
	if (r < 0)
		return r;
	r = session_open(image, options, need, ret_session, err);
	if (r < 0)
		return r;
	r = index_file_resolve(session_index(*ret_session), *ret_path, follow,
			       &number);
	if (r == 0)
		r = index_file_get_inode(session_index(*ret_session), number,
					 ret);
	if (r < 0)
		return error_set_errno(err, r, "%s in the image", *ret_path);
	return 0;
}

static int ls_main(void *values, char **operands, int count, struct error *err)
{
	const struct ls_options *options = values;
	CLEANUP(session_closep) struct session *session = NULL;
	struct listing listing = { .options = options };
	struct index_inode inode;
	int r;

	(void)count;
	r = open_path(operands[0], &options->common, SESSION_INDEX, false,
		      &session, &listing.start, &inode, err);
	if (r < 0)
		return r;
	listing.index = session_index(session);
	if (options->directory_itself || !S_ISDIR(inode.mode))
		print_entry(&listing, listing.start, &inode);
	else if (options->is_recursive)
		r = index_walk(listing.index, listing.start, inode.number,
			       list_below, &listing, err);
	else
		r = list_directory(&listing, inode.number, err);
	return r;
}

static int write_zeros(uint64_t size, struct error *err)
{
	static const uint8_t zeros[64 << 10];

	while (size) {
		size_t n = size < sizeof(zeros) ? size : sizeof(zeros);
		int r = io_write_full(STDOUT_FILENO, zeros, n);

		if (r < 0)
			return error_set_errno(err, r, "cannot write");
		size -= n;
	}
	return 0;
}

static int write_piece(struct session *session, const struct index_piece *piece,
		       struct error *err)
{
	CLEANUP(chunk_unrefp) struct chunk *chunk = NULL;
	uint8_t part[64 << 10];
	uint64_t done;
	size_t n;
	int r;

	if (piece->chunk == INDEX_NO_CHUNK)
		return write_zeros(piece->size, err);
	r = chunk_loader_get(session_loader(session), piece->chunk, &chunk,
			     err);
	if (r < 0)
		return r;
	for (done = 0; r == 0 && done < piece->size; done += n) {
		n = piece->size - done < sizeof(part) ? piece->size - done
						      : sizeof(part);
		r = chunk_read(chunk, piece->chunk_off + done, n, part);
		if (r < 0)
			return error_set_errno(err, r, "cannot read");
		r = io_write_full(STDOUT_FILENO, part, n);
	}
	if (r < 0)
		return error_set_errno(err, r, "cannot write");
	return 0;
}

/* The last chunk of a file bounds its read-ahead. */
static uint32_t last_chunk_of(const struct index_file *index,
			      const struct index_inode *inode)
{
	struct index_piece piece;

	if (inode->size == 0 ||
	    index_file_get_piece(index, inode->number, inode->size - 1,
				 &piece) < 0)
		return 0;
	return piece.chunk == INDEX_NO_CHUNK ? 0 : piece.chunk;
}

static int cat_file(struct session *session, const struct index_inode *inode,
		    struct error *err)
{
	const struct index_file *index = session_index(session);
	uint32_t last = last_chunk_of(index, inode);
	struct index_piece piece;
	int r = 0;

	for (uint64_t off = 0; r == 0 && off < inode->size; off += piece.size) {
		r = index_file_get_piece(index, inode->number, off, &piece);
		if (r < 0)
			return error_set(err, r, "the index is damaged");
		if (piece.chunk != INDEX_NO_CHUNK)
			chunk_loader_note_read(session_loader(session),
					       inode->number, piece.chunk, 1,
					       last);
		r = write_piece(session, &piece, err);
	}
	return r;
}

static int cat_main(void *values, char **operands, int count, struct error *err)
{
	for (int i = 0; i < count; i++) {
		CLEANUP(session_closep) struct session *session = NULL;
		struct index_inode inode;
		const char *path;
		int r;

		r = open_path(operands[i], values, SESSION_LOADER, true,
			      &session, &path, &inode, err);
		if (r < 0)
			return r;
		if (!S_ISREG(inode.mode))
			return error_set(err, -EINVAL,
					 "%s is not a regular file", path);
		r = cat_file(session, &inode, err);
		if (r < 0)
			return error_prefix(err, r, "%s", path);
	}
	return 0;
}

const struct command cmd_ls = {
	.name = "ls",
	.operands = "IMAGE[:/PATH]",
	.summary = "list files of an image without a mount",
	.options = ls_option_table,
	.values_size = sizeof(struct ls_options),
	.operands_min = 1,
	.operands_max = 1,
	.failure_status = EXIT_FAILED,
	.main = ls_main,
};

const struct command cmd_cat = {
	.name = "cat",
	.operands = "IMAGE:/PATH...",
	.summary = "write files of an image to standard output",
	.values_size = sizeof(struct common_options),
	.operands_min = 1,
	.operands_max = -1,
	.failure_status = EXIT_FAILED,
	.main = cat_main,
};
