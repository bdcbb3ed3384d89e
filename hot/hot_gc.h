/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hot_gc: the hot trees of a cache together: how large they are, and which of
 * them go.
 *
 * A tree that is in use is taken out of service at once and removed by a later
 * call, when nobody has it any more.
 *
 * Threads: any; blocks on the local disk.
 */
#include <stdint.h>

struct digest;
struct error;

struct hot_gc_usage {
	uint64_t size; /* of current trees, as their stamps say */
	uint64_t count;
};

/** hot_gc_measure() - 0 also where there is none; -EPERM, -EIO ... */
int hot_gc_measure(int cache_dir_fd, struct hot_gc_usage *ret,
		   struct error *err);

/**
 * hot_gc_collect() - remove what killed builders left, and trees that were
 * used least recently until the rest fits
 * @size_max: bytes of all current trees together
 *
 * An image that somebody is building for is passed over.
 */
int hot_gc_collect(int cache_dir_fd, uint64_t size_max, struct error *err);

/** hot_gc_remove() - an image's tree and record; NULL: every image's
 *
 * Return: 0, also when there is none; -EBUSY: some are still in use, and will
 * be removed later. */
int hot_gc_remove(int cache_dir_fd, const struct digest *manifest,
		  struct error *err);
