/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_worker: a loader's thread that verifies, decodes and stores chunks and
 * answers who waits for them.  Internal to the loader.
 */
#include "common/cleanup.h"
#include "fetch/chunk_loader.h"

struct chunk_parts;
struct chunk_worker;

/**
 * chunk_worker_create() - NULL: no memory
 * @parts: borrowed
 * @least: it takes flights of this priority and higher ones; CHUNK_FILL makes
 *         its thread one in the background
 */
struct chunk_worker *chunk_worker_create(const struct chunk_parts *parts,
					 enum chunk_priority least);
void chunk_worker_destroy(struct chunk_worker *worker); /* NULL is allowed */
DEFINE_CLEANUP(struct chunk_worker, chunk_worker_destroy);

/** chunk_worker_run() - thread body; @arg: the worker; returns after
 * chunk_board_stop() */
void *chunk_worker_run(void *arg);
