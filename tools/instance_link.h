/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * instance_link: a job's connection to the instance that it joins.
 *
 * It is open as long as the job lives: the instance counts it, and sends the
 * signals of `instance stop`. When it breaks, the instance has died and the
 * job's files with it; or the caller was killed, and the instance kills what
 * the job has started.
 *
 * Threads: one at a time.
 */
#include "run/run.h"
#include "tools/instance_dir.h"

#include <stdbool.h>
#include <stdint.h>

struct digest;
struct error;

struct instance_link {
	int socket;		  /* -1: none */
	struct run_target target; /* for run_join(); target.fd is owned */
	char name[INSTANCE_NAME_SIZE];
	bool is_lost; /* it broke */
};

#define INSTANCE_LINK_INIT                                                     \
	{                                                                      \
		.socket = -1, .target = {.fd = -1 }                            \
	}

/**
 * instance_link_find() - join any living instance's mount that has @key
 * @root_key: of root_key.h, NULL: none.  Where the instance has such a root,
 *            that is joined; else the job is to offer its own
 *
 * Return: 0; -ENOENT (there is none, or none answers in two seconds).
 */
int instance_link_find(int dir_fd, const char *key,
		       const struct digest *root_key,
		       struct instance_link *ret);

/**
 * instance_link_open() - join the root of a named one
 *
 * Return: 0 or negative errno with @err.
 */
int instance_link_open(int dir_fd, const char *name, struct instance_link *ret,
		       struct error *err);

/** instance_link_ask() - what it tells of itself: JSON, malloc'ed; 0,
 * -ECONNREFUSED or -ENOENT (it is dead), other negative errno */
int instance_link_ask(int dir_fd, const struct instance_entry *entry,
		      char **ret_text);

/**
 * instance_link_stop() - end an instance and wait for it
 * @signal:   for its jobs first; 0: none
 * @grace_ms: until they are killed
 *
 * Return: 0 (also when it was dead), -ETIMEDOUT, other negative errno.
 */
int instance_link_stop(int dir_fd, const struct instance_entry *entry,
		       int signal, uint32_t grace_ms);

/** instance_link_happened() - a run_watch_fn; @arg: the link */
int instance_link_happened(void *arg);

/** instance_link_mark() - a run_mark_fn: the instance guards the job from now
 * on; @arg: the link */
void instance_link_mark(void *arg, int mark_fd);

/** instance_link_offer() - a run_offer_fn: the instance keeps the root for
 * others; @arg: the link */
void instance_link_offer(void *arg, int root_fd);

/**
 * instance_link_tell_command() - what the job will execute, so that the
 * instance fetches it ahead
 * @flags: of enum instance_ahead_flags
 *
 * Words that do not fit into a message are left out.
 */
void instance_link_tell_command(const struct instance_link *link,
				const char *const *argv, unsigned flags);

/** instance_link_part() - the job has ended by itself: nothing is to be killed
 */
void instance_link_part(const struct instance_link *link);

void instance_link_fini(struct instance_link *link);
