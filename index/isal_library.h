/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * isal_library: ISA-L, loaded when the first gzip layer is indexed.
 *
 * Threads: any.
 */
#include "common/shared_library.h"

#include <isa-l/igzip_lib.h>

struct error;

/* What index/ uses. */
#define ISAL_LIBRARY_FUNCTIONS(X)                                              \
	X(isal_inflate)                                                        \
	X(isal_inflate_init)                                                   \
	X(isal_inflate_reset)                                                  \
	X(isal_inflate_set_dict)

struct isal_library {
	ISAL_LIBRARY_FUNCTIONS(SHARED_LIBRARY_MEMBER)
};

/** isal_library_load() - the functions; 0 or -ELIBACC */
int isal_library_load(const struct isal_library **ret, struct error *err);
