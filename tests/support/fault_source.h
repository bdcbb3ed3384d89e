/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fault_source: a range_source over bytes in memory that does what a test
 * tells it to: fail, answer wrong bytes, hold answers back, answer in another
 * order.  Who watches a fetch sees half of its bytes first, even of one that
 * fails.
 *
 * Answers come from a thread of its own, as the network's would.
 *
 * Threads: any.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range_source;

enum fault {
	FAULT_NONE,
	FAULT_FAIL,  /* answer a code */
	FAULT_WRONG, /* answer other bytes */
	FAULT_HOLD,  /* answer right, but only after a release */
};

/**
 * fault_source_create() - a source that behaves
 * @data: borrowed until range_source_destroy()
 *
 * Return: NULL when there is no memory or no thread.
 */
struct range_source *fault_source_create(const void *data, size_t size);

/**
 * fault_source_script() - what happens to coming fetches
 * @code:  of FAULT_FAIL, negative errno
 * @count: how many fetches, after those scripted before; past the script
 *         fetches succeed
 */
void fault_source_script(struct range_source *source, enum fault fault,
			 int code, unsigned count);

/**
 * fault_source_set_chance() - faults by chance, for stress tests
 * @fail, @wrong: out of 1000 fetches that are not scripted; -EIO is the code
 */
void fault_source_set_chance(struct range_source *source, unsigned fail,
			     unsigned wrong);

/** fault_source_set_inline() - answer before fetch returns, as files do */
void fault_source_set_inline(struct range_source *source);

/** fault_source_wait_held() - until @count fetches are held; false after ten
 * seconds without that */
bool fault_source_wait_held(struct range_source *source, size_t count);

/** fault_source_show_held() - let who watches a held fetch see its first @size
 * bytes */
void fault_source_show_held(struct range_source *source, size_t size);

/** fault_source_release() - answer the held fetch that starts at @off */
void fault_source_release(struct range_source *source, uint64_t off);

/** fault_source_release_all() - answer all held, the latest first */
void fault_source_release_all(struct range_source *source);

/** fault_source_fetch_count() - fetches so far */
size_t fault_source_fetch_count(struct range_source *source);

/** fault_source_bad_count() - range_source_report_bad() calls so far */
size_t fault_source_bad_count(struct range_source *source);

/** fault_source_byte_count() - how often a byte of the blob was asked for, at
 * most: 1 when nothing was fetched twice */
unsigned fault_source_byte_count(struct range_source *source);
