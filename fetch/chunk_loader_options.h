/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_loader_options: what a loader takes where its user says nothing.
 * Internal to the loader.
 *
 * Threads: any; no state.
 */
#include "fetch/chunk_loader.h"

#include <stdbool.h>

/** chunk_loader_options_complete() - @given, with defaults for what is 0 and
 * within what is allowed; NULL: all defaults */
struct chunk_loader_options chunk_loader_options_complete(
	const struct chunk_loader_options *given);

/** chunk_loader_options_read_ahead_max() - of complete ones, the requests to
 * keep ahead of a reader: without a cache what they bring must fit into memory
 */
unsigned chunk_loader_options_read_ahead_max(
	const struct chunk_loader_options *options, bool has_cache);
