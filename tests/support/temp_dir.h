/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * temp_dir: a directory of one test's own, below $TMPDIR or /tmp.
 */

enum { TEMP_DIR_SIZE = 256 };

/** temp_dir_create() - make one, mode 0700; aborts when that fails */
void temp_dir_create(char ret_path[TEMP_DIR_SIZE]);

/** temp_dir_remove() - remove it with everything in it */
void temp_dir_remove(const char *path);
