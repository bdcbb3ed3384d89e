/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hot_builder: the process that makes an image's hot tree (docs/hot-tree.md).
 *
 * It is this program again, as the hidden command `hot-tree`: started while a
 * job runs, or when one has ended, by a process that may have threads, and that
 * does not wait for it.
 *
 * Threads: hot_builder_start() from any; the rest from the main thread.
 */
#include <stdbool.h>
#include <stdint.h>

struct chunk_cache;
struct common_options;
struct error;
struct session;

/* What is to be made. */
struct hot_builder_order {
	const char *image; /* the user's reference */
	bool maps_ids;	   /* as the jobs that will use it show ids */
	/* Before it begins: a job that starts has the machine to itself. */
	uint64_t delay_ms;
};

/**
 * hot_builder_start() - make a tree in a process that nobody waits for
 * @options: the cache, and how the image is found; a tag means what it meant
 *
 * It is no child of the caller's: who looks for a job among those finds no
 * builder.  A batch system that ends what a job leaves behind finds it, by
 * environment and cgroup.
 *
 * Return: 0 (whether it works is not known), or negative errno.
 */
int hot_builder_start(const struct common_options *options,
		      const struct hot_builder_order *order);

/**
 * hot_builder_run() - be that process
 *
 * Takes the lowest priority for CPU and disk, closes what was inherited, is the
 * first to go when memory is short, and ends after two minutes of CPU time or
 * half an hour at the latest.  With another builder of the image on the node
 * nothing is done.
 *
 * Return: 0, or negative errno with @err, which nobody reads but a person who
 * called the command by hand.
 */
int hot_builder_run(const struct common_options *options,
		    const struct hot_builder_order *order, struct error *err);

/** hot_builder_fetch_size_max() - up to which size a tree may have a file that
 * is not all in the cache, in bytes: reading one of this host again is no
 * fetching.  0: none. */
uint64_t hot_builder_fetch_size_max(struct session *session);

/** hot_builder_collect() - keep the cache's hot trees within their part of its
 * bound, and remove what killed builders left; 0 or as hot_gc_collect() */
int hot_builder_collect(struct chunk_cache *cache, struct error *err);
