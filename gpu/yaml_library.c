/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/yaml_library.h"

static struct yaml_library functions;

static const struct shared_library_symbol symbols[] = {
#define SYMBOL(name) { #name, offsetof(struct yaml_library, name) },
	YAML_LIBRARY_FUNCTIONS(SYMBOL)
#undef SYMBOL
};

static struct shared_library library = {
	.file = "libyaml-0.so.2",
	.package = "libyaml-0-2",
	.symbols = symbols,
	.symbol_count = sizeof(symbols) / sizeof(symbols[0]),
	.table = &functions,
	.lock = PTHREAD_MUTEX_INITIALIZER,
};

int yaml_library_load(const struct yaml_library **ret, struct error *err)
{
	int r = shared_library_load(&library, err);

	if (r == 0)
		*ret = &functions;
	return r;
}
