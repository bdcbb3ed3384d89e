/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hint_follower: when a job first reads a file, what that file needs is asked
 * for: for files that nobody could tell from the command.
 *
 * Each file is followed once.  What is asked for is queued below demand; when
 * too little of it is read, no more is asked for.
 *
 * Threads: hint_follower_observe() from any, and never waits; a thread of its
 * own, "hints", from create to destroy, does the rest.
 */
#include "common/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct chunk_loader;
struct chunk_touches;
struct hint_closure;
struct hint_follower;

enum {
	HINT_FOLLOWER_QUEUE_MAX = 1024, /* files; more are not followed */
	/* It misleads: so many chunks asked for, and fewer than a quarter of
	 * them, those that the command told included, read. */
	HINT_FOLLOWER_FREE = 128,
};

struct hint_follower_figures {
	uint32_t files;	 /* followed, with what they need */
	uint32_t chunks; /* asked for */
	bool has_misled;
};

/**
 * hint_follower_create() - begin
 * @closure: the thread's from now on, until destroy; borrowed
 * @loader, @touches: borrowed; outlive it
 * @inode_count: of the index
 *
 * Return: 0, -EAGAIN (no thread), -ENOMEM.
 */
int hint_follower_create(struct hint_closure *closure,
			 struct chunk_loader *loader,
			 struct chunk_touches *touches, uint32_t inode_count,
			 struct hint_follower **ret);

/** hint_follower_destroy() - what was asked for still comes */
void hint_follower_destroy(struct hint_follower *follower);
DEFINE_CLEANUP(struct hint_follower, hint_follower_destroy);

/** hint_follower_observe() - a file was read */
void hint_follower_observe(struct hint_follower *follower, uint32_t inode);

void hint_follower_get_figures(struct hint_follower *follower,
			       struct hint_follower_figures *ret);
