/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/curl_library.h"

static struct curl_library functions;

static const struct shared_library_symbol symbols[] = {
#define SYMBOL(name) { #name, offsetof(struct curl_library, name) },
	CURL_LIBRARY_FUNCTIONS(SYMBOL)
#undef SYMBOL
};

static struct shared_library library = {
	.file = "libcurl.so.4",
	.package = "libcurl4",
	.symbols = symbols,
	.symbol_count = sizeof(symbols) / sizeof(symbols[0]),
	.table = &functions,
	.lock = PTHREAD_MUTEX_INITIALIZER,
};

int curl_library_load(const struct curl_library **ret, struct error *err)
{
	int r = shared_library_load(&library, err);

	if (r == 0)
		*ret = &functions;
	return r;
}
