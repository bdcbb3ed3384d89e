/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * squashfs_facts: the facts (hint_fact.h) that the files of a SquashFS image
 * hold, found while its blocks go by once, in the order of their places.
 *
 * A file that lies whole in one block, as most do, is looked at there.  Of
 * those that lie in several, SQUASHFS_FACTS_OPEN_MAX can be under way at once;
 * one more, and the one begun first is given up, as is a file whose blocks do
 * not come in its order: hints are no more than hints.
 *
 * Threads: one at a time.
 */
#include "common/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct squashfs_facts; /* opaque */
struct squashfs_listing;

enum {
	/* mksquashfs writes one file's blocks together, so that one is the
	 * rule; the others are for duplicates and for tails in fragments.
	 * Each takes 60 KiB, and with a Python source up to 1 MiB. */
	SQUASHFS_FACTS_OPEN_MAX = 8,
	/* of all files, bytes; the scipy image has 2 MB */
	SQUASHFS_FACTS_SIZE_MAX = 64 << 20,
};

/**
 * squashfs_facts_create() - before the first block
 * @listing: borrowed; its blocks are arranged
 *
 * Return: 0 or -ENOMEM.
 */
int squashfs_facts_create(const struct squashfs_listing *listing,
			  struct squashfs_facts **ret);
void squashfs_facts_destroy(struct squashfs_facts *facts);
DEFINE_CLEANUP(struct squashfs_facts, squashfs_facts_destroy);

/**
 * squashfs_facts_feed() - the next chunk of squashfs_blocks_arrange()
 * @raw: its bytes, decoded
 *
 * Return: 0 or -ENOMEM.
 */
int squashfs_facts_feed(struct squashfs_facts *facts, const void *raw,
			size_t size);

/**
 * squashfs_facts_find() - what was found in a file
 * @number: of its entry in the listing, from 0
 *
 * Return: the facts, valid until the next feed; NULL when there are none.
 */
const void *squashfs_facts_find(const struct squashfs_facts *facts,
				uint64_t number, size_t *ret_size);
