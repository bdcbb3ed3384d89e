/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * instance_dir: where instances of one user are found: the folder
 * "instances" of the cache.
 *
 * Each instance listens on a socket there, NODE-KEY-NAME, beside it its log,
 * NODE-KEY-NAME.log. The folder belongs to the user alone (0700); who listens
 * must be the same user (SO_PEERCRED). A socket appears by rename(), so one
 * that refuses connections is a dead instance's, and is removed by whoever
 * meets it. Sockets of other nodes that share the folder are left alone.
 *
 * Threads: any; changes of the folder are made under a lock on it.
 */
#include "tools/instance_key.h"

#include <stdbool.h>
#include <stddef.h>

struct error;

enum {
	INSTANCE_NAME_SIZE = 64 + 1,
	INSTANCE_COUNT_MAX = 4096, /* of one user on one node */
};

struct instance_entry {
	char key[INSTANCE_KEY_SIZE];
	char name[INSTANCE_NAME_SIZE];
};

/** instance_dir_check_name() - letters, digits, '.', '_' and '-', 64 at most;
 * 0 or -EINVAL with @err */
int instance_dir_check_name(const char *name, struct error *err);

/** instance_dir_may_have_any() - whether the cache in @cache_path has the
 * folder at all: an ordinary start asks no more than this */
bool instance_dir_may_have_any(const char *cache_path);

/**
 * instance_dir_open() - the folder, made when missing
 *
 * Return: a descriptor (CLOEXEC), -EPERM (others may write to it), or the
 * mkdir's or open's negative errno, with @err.
 */
int instance_dir_open(int cache_dir_fd, struct error *err);

/**
 * instance_dir_list() - what is there of this node, dead ones included
 * @ret: malloc'ed, the caller's
 *
 * Return: the number, or negative errno.
 */
int instance_dir_list(int dir_fd, struct instance_entry **ret);

/**
 * instance_dir_connect() - speak to an instance
 *
 * Return: a socket (CLOEXEC, does not block); -ECONNREFUSED or -ENOENT (it is
 * dead; its leftovers are gone now); -EPERM (another user listens); -EAGAIN
 * (too many ask at once); other negative errno.
 */
int instance_dir_connect(int dir_fd, const struct instance_entry *entry);

/**
 * instance_dir_publish() - listen for others
 * @is_exclusive: refuse where a living instance has the same key, not only the
 *                same name
 *
 * Return: a listening socket (CLOEXEC, does not block); -EEXIST (there is one),
 * -EMFILE (INSTANCE_COUNT_MAX), other negative errno, with @err.
 */
int instance_dir_publish(int dir_fd, const struct instance_entry *entry,
			 bool is_exclusive, struct error *err);

/** instance_dir_open_log() - the instance's log, emptied; or negative errno */
int instance_dir_open_log(int dir_fd, const struct instance_entry *entry);

/** instance_dir_format_log() - the log's path; @dir_path: of the folder */
void instance_dir_format_log(const char *dir_path,
			     const struct instance_entry *entry, char *ret,
			     size_t size);

/** instance_dir_remove() - what an instance leaves: the socket, and the log
 * when nothing is in it or @with_log */
void instance_dir_remove(int dir_fd, const struct instance_entry *entry,
			 bool with_log);
