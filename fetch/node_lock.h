/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * node_lock: very many advisory locks in one file, between processes.
 *
 * A lock is one byte of the file, locked as an open file description lock
 * (fcntl(2), F_OFD_SETLK).  The byte need not exist: the file stays empty.  A
 * lock vanishes with its process, so there is nothing to clean up after
 * kill -9.  Locks belong to the open file: two struct node_lock on the same
 * file exclude each other even within one process, while the threads that share
 * one do not exclude each other.
 *
 * A fork inherits the open file and keeps its locks held until it executes
 * another program or ends: open node locks after the last plain fork.
 *
 * Threads: any.  Never waits.
 */
#include <stdint.h>

enum {
	NODE_LOCK_HELD = 0,
	NODE_LOCK_TAKEN = 1, /* by another open file */
};

struct node_lock {
	int fd; /* -1: not open */
};

#define NODE_LOCK_INIT                                                         \
	{                                                                      \
		.fd = -1                                                       \
	}

/** node_lock_open() - open or make the file, mode 0600; 0 or the open's
 * negative errno */
int node_lock_open(int dir_fd, const char *path, struct node_lock *ret);

/** node_lock_close() - gives up every lock; also on one that is not open */
void node_lock_close(struct node_lock *lock);

/**
 * node_lock_try() - lock one byte, or learn that somebody has it
 * @off: below INT64_MAX; the same offset may be locked again
 *
 * Return: NODE_LOCK_HELD, NODE_LOCK_TAKEN, or negative errno where the file
 * system has no locks (-EBADF when not open, -ENOLCK, -EINVAL ...).
 */
int node_lock_try(const struct node_lock *lock, uint64_t off);

/** node_lock_try_shared() - as node_lock_try(), but any number of open files
 * may hold it so at once, and none exclusively; one that holds the byte
 * exclusively shares it from now on */
int node_lock_try_shared(const struct node_lock *lock, uint64_t off);

/** node_lock_release() - unlock one byte; one that is not held is fine */
void node_lock_release(const struct node_lock *lock, uint64_t off);
