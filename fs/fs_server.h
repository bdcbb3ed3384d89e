/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_server: the FUSE filesystem of one image.
 *
 * Stateless per inode: an inode's number in the index is its FUSE node id.
 * Metadata and reads at hand are answered inline by the reader thread; reads
 * that must wait are parked with the chunk loader and answered by its workers,
 * so that a FUSE thread never waits for the network.
 *
 * Errors to the kernel: -EBADMSG, -EPROTO, -ETIMEDOUT, -ECANCELED become EIO;
 * one log line per failed request (logfmt, rate limited).
 *
 * Extended attributes of the root beside the image's own, unless has_no_status:
 *   user.lazyrun.image         manifest digest, "sha256:..."
 *   user.lazyrun.chunks        chunks of the image
 *   user.lazyrun.chunks_fetched, .bytes_fetched, .ranges_fetched
 *   user.lazyrun.cache_hits, .memory_hits, .bad_digests
 *   user.lazyrun.fuse_requests, .passthrough_opens
 *
 * Threads: fs_server_run() in the caller's thread, and in further ones while
 * several streams are read at once; see docs/threading.md.
 */
#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_loader;
struct error;
struct fs_server;
struct index_file;

/* What a name of a regular file by its number begins with, in the root. */
#define FS_SERVER_INODE_NAME ".lazyrun:"

/* What the kernel can read in the server's place (FUSE passthrough). */
struct fs_server_native_file {
	uint32_t inode; /* a regular file */
	int fd; /* has its very bytes, and keeps them; readable; O_DIRECT, if a
		 * program asks for it, is possible */
};

enum { FS_SERVER_NATIVE_FILES_MAX = 64 }; /* each keeps a descriptor */

enum { FS_SERVER_THREADS_MAX = 4 };

struct fs_server_options {
	bool map_ids; /* show every file as uid/gid; else the image's ids */
	uint32_t uid;
	uint32_t gid;
	/* Reader threads at most; 0: one a processor that this process may
	 * use.  FS_SERVER_THREADS_MAX is the bound of both. */
	unsigned threads;
	/* The root also answers to FS_SERVER_INODE_NAME and an inode's number
	 * in hex, for overlayfs redirects; never listed. */
	bool has_inode_names;
	/* The mount is a job's: nobody asks for the root's status, and file
	 * capabilities (security.capability) are void.  Of an image without
	 * other extended attributes the kernel learns that none can be got
	 * (EOPNOTSUPP) and never asks again, where overlayfs would for every
	 * directory and every file.  Lists of them are empty. */
	bool has_no_status;
	/* Files to pass through where kernel and privileges allow it, else
	 * nothing changes; ascending inodes.  The price: the kernel asks about
	 * each open of any file, and the mount counts as one of the two levels
	 * of stacked file systems.  Borrowed until fs_server_destroy(). */
	const struct fs_server_native_file *native_files;
	size_t native_count;
	/* Optional: after each read that the server answers, for profiles; must
	 * be quick.  Any number of threads at once. */
	void (*read_observed)(void *arg, uint32_t inode, uint64_t off,
			      uint64_t size);
	void *arg;
};

struct fs_server_counters {
	uint64_t requests; /* FUSE requests of every kind */
	uint64_t shared;   /* of them, by readers beside the first */
	uint64_t lookups;
	uint64_t reads;
	uint64_t read_bytes;
	uint64_t parked; /* reads that had to wait */
	uint64_t failed;
	uint64_t passthrough_opens; /* of files that the kernel reads */
};

/**
 * fs_server_create() - a filesystem for an opened index
 * @index, @loader: borrowed; must outlive the server
 *
 * Return: 0 or -ENOMEM.
 */
int fs_server_create(const struct index_file *index,
		     struct chunk_loader *loader,
		     const struct fs_server_options *options,
		     struct fs_server **ret, struct error *err);

/** fs_server_destroy() - after fs_server_run() has returned; unmounts what
 * fs_server_mount() mounted */
void fs_server_destroy(struct fs_server *server);
DEFINE_CLEANUP(struct fs_server, fs_server_destroy);

/**
 * fs_server_attach() - serve a /dev/fuse descriptor that is mounted already
 * @fuse_fd: taken over on success
 *
 * Return: 0, -EIO, -ENOMEM.
 */
int fs_server_attach(struct fs_server *server, int fuse_fd, struct error *err);

/**
 * fs_server_mount() - mount on a directory: mount(2) as root, fusermount3 else
 *
 * Return: 0; -ENOENT, -ENOTDIR, -EACCES (the directory), -ENODEV (no
 * /dev/fuse), -EPERM (may not: @err says what is missing), -EBUSY.
 */
int fs_server_mount(struct fs_server *server, const char *dir,
		    struct error *err);

/**
 * fs_server_run() - answer requests until the mount goes away or stop()
 *
 * Return: 0 or a negative errno of the session.
 */
int fs_server_run(struct fs_server *server, struct error *err);

/** fs_server_stop() - make run() return soon; any thread, signal handlers */
void fs_server_stop(struct fs_server *server);

void fs_server_get_counters(struct fs_server *server,
			    struct fs_server_counters *ret);
