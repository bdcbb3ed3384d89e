/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tree_removal: a directory that is no longer needed, removed with all of it.
 *
 * Threads: any; one for each tree.
 */

/**
 * tree_removal_run() - remove @path and everything below
 *
 * Symbolic links are removed, never followed; other mounts are not entered.
 * What cannot be removed stays, and the rest goes: nothing is reported.
 */
void tree_removal_run(const char *path);
