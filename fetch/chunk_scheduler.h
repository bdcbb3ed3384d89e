/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chunk_scheduler: the loader's thread that claims chunks, starts ranges and
 * watches deadlines.  Internal to the loader.
 */
struct chunk_parts;

/** chunk_scheduler_run() - thread body; @arg: a struct chunk_parts; returns
 * after chunk_board_stop() */
void *chunk_scheduler_run(void *arg);
