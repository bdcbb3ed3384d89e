/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object_index: an index that somebody made of an object (a SIF, a SquashFS
 * file) and put where it is found.
 *
 * Looked for, in this order: beside a file, PATH.lzi; in the directory that
 * --index-dir names, under the object's whole path (DIR/chtc/staging/x.sif.lzi
 * of osdf:///chtc/staging/x.sif, DIR/HOST/PATH.lzi of a URL) and under its
 * last component alone.
 *
 * Threads: any; no shared state.
 */
#include <stdbool.h>

struct error;
struct image_ref;

/** object_index_is_for() - is it the reference of an object? */
bool object_index_is_for(const struct image_ref *ref);

/**
 * object_index_find() - the file that is this object's index
 * @dir: NULL: none
 * @ret: malloc'ed; NULL when there is none.  It may be of another object of
 *       the same name: opening the image finds that out
 *
 * Return: 0, -ENOMEM.
 */
int object_index_find(const struct image_ref *ref, const char *dir, char **ret,
		      struct error *err);
