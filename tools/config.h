/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * config: settings from files, and where things are by default.
 *
 * /etc/lazyrun.conf, then $XDG_CONFIG_HOME/lazyrun/lazyrun.conf: lines of
 * `name = value`, the names being long options ("cache-dir = /scratch/lr").
 * Environment variables overrule files, the command line overrules both.
 */
#include <stdbool.h>
#include <stddef.h>

struct error;
struct option;

/**
 * config_load() - apply the files that exist
 * @tables: of options that may stand in them
 * @user_path: instead of the user's file, and it must exist; NULL: the user's
 *
 * A name that no table has is an error naming file and line.  Texts stay
 * allocated for the life of the process.  Return: 0, -EINVAL, -ENOMEM.
 */
int config_load(const struct option *const *tables, void *values,
		const char *user_path, struct error *err);

/**
 * config_cache_dir() - the cache's directory when nobody named one
 *
 * $XDG_CACHE_HOME/lazyrun or ~/.cache/lazyrun; /var/tmp/lazyrun-UID when there
 * is no home, or the home lies on a network file system (a node's chunks
 * belong on the node's disk).
 *
 * Return: 0, -ENAMETOOLONG.
 */
int config_cache_dir(char *ret, size_t capacity, struct error *err);

/** config_is_on_network() - whether @path lies on a network file system */
bool config_is_on_network(const char *path);
