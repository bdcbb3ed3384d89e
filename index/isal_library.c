/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_ISAL

#include "index/isal_library.h"

static struct isal_library functions;

static const struct shared_library_symbol symbols[] = {
#define SYMBOL(name) { #name, offsetof(struct isal_library, name) },
	ISAL_LIBRARY_FUNCTIONS(SYMBOL)
#undef SYMBOL
};

static struct shared_library library = {
	.file = "libisal.so.2",
	.package = "libisal2",
	.symbols = symbols,
	.symbol_count = sizeof(symbols) / sizeof(symbols[0]),
	.table = &functions,
	.lock = PTHREAD_MUTEX_INITIALIZER,
};

int isal_library_load(const struct isal_library **ret, struct error *err)
{
	int r = shared_library_load(&library, err);

	if (r == 0)
		*ret = &functions;
	return r;
}

#else

typedef int isal_library_is_not_built_in; /* no file of C is empty */

#endif
