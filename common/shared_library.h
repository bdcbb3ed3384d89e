/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * shared_library: a library that is loaded when it is first needed.
 *
 * Most starts of lazyrun need no network, build no index and serve no
 * registry.  Loading libcurl, libarchive and libmicrohttpd, with the forty
 * libraries that these need, would take longer than everything else they do.
 * Whoever wraps such a library has a table of function pointers with the types
 * of its header:
 *
 *	#define FUNCTIONS(X) X(thing_open) X(thing_close)
 *	struct table { FUNCTIONS(SHARED_LIBRARY_MEMBER) };
 *
 * Threads: any.  The first ones wait for the one that loads.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct error;

/* A pointer to a function of its header, under the function's name. */
#define SHARED_LIBRARY_MEMBER(name) __typeof__(name) *name;

struct shared_library_symbol {
	const char *name;
	size_t off; /* of its pointer in the table */
};

struct shared_library {
	const char *file;    /* its SONAME: one ABI, the headers' */
	const char *package; /* what a person has to install */
	const struct shared_library_symbol *symbols;
	size_t symbol_count;
	void *table; /* filled by shared_library_load() */
	pthread_mutex_t lock;
	bool is_loaded; /* protected by lock */
};

/**
 * shared_library_load() - load a library unless that is done
 *
 * It stays loaded.  What failed is tried anew by the next call.
 *
 * Return: 0, -ELIBACC (it, or a library that it needs, is missing or lacks a
 * function; the table is not to be used).
 */
int shared_library_load(struct shared_library *library, struct error *err);
