/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * python_package: which files are likely read with a file of a Python package,
 * by their names alone.
 *
 * A package is a directory with __init__.py.  Who imports one loads most of its
 * compiled modules and extensions, and soon those of its subpackages: import
 * scipy.stats loads 655 files, nearly all of them such.  Left out are packages
 * that hold tests.
 *
 * Threads: any; no state.
 */
#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct index_file;

enum {
	PYTHON_PACKAGE_DEPTH = 2,	   /* of subpackages that come along */
	PYTHON_PACKAGE_ENTRIES_MAX = 4096, /* looked at of one directory */
};

/**
 * python_package_find() - the package that a file belongs to
 * @inode:   any inode
 * @ret_dir: the package's directory
 *
 * Return: false when it is in none, or cannot be read.
 */
bool python_package_find(const struct index_file *index, uint32_t inode,
			 uint32_t *ret_dir);

/**
 * python_package_gather() - the chunks of a package's modules
 * @dir:      of the package
 * @size_max: stored bytes, about: what does not fit is left out
 * @chunks:   uint32_t numbers appended, the package's before its subpackages',
 *            some twice
 *
 * Directories that cannot be read are passed over.  Return: 0 or -ENOMEM.
 */
int python_package_gather(const struct index_file *index, uint32_t dir,
			  uint64_t size_max, struct buffer *chunks);
