/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/microhttpd_library.h"

static struct microhttpd_library functions;

static const struct shared_library_symbol symbols[] = {
#define SYMBOL(name) { #name, offsetof(struct microhttpd_library, name) },
	MICROHTTPD_LIBRARY_FUNCTIONS(SYMBOL)
#undef SYMBOL
};

static struct shared_library library = {
	.file = "libmicrohttpd.so.12",
	.package = "libmicrohttpd12",
	.symbols = symbols,
	.symbol_count = sizeof(symbols) / sizeof(symbols[0]),
	.table = &functions,
	.lock = PTHREAD_MUTEX_INITIALIZER,
};

int microhttpd_library_load(const struct microhttpd_library **ret,
			    struct error *err)
{
	int r = shared_library_load(&library, err);

	if (r == 0)
		*ret = &functions;
	return r;
}
