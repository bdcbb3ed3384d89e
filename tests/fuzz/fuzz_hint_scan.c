/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file of a layer that is looked at for hints: an ELF file, a
 * script, a Python source.  The first byte says how it is portioned; whole, it
 * must give the same facts.
 */
#include "index/hint_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct hint_scan *scan(const uint8_t *data, size_t size, size_t portion)
{
	struct hint_scan *scan = hint_scan_create();

	if (!scan)
		abort();
	hint_scan_begin(scan, "usr/lib/x.py", size);
	for (size_t at = 0; at < size; at += portion)
		if (hint_scan_feed(scan, at, data + at,
				   size - at < portion ? size - at : portion) <
		    0)
			abort();
	if (hint_scan_end(scan) < 0)
		abort();
	return scan;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hint_scan *whole;
	struct hint_scan *parts;

	if (size < 5)
		return 0;
	whole = scan(data + 1, size - 1, size);
	parts = scan(data + 1, size - 1, 1 + data[0] * (size_t)16);
	if (whole->facts.size != parts->facts.size ||
	    (whole->facts.size && memcmp(whole->facts.data, parts->facts.data,
					 whole->facts.size) != 0))
		abort();
	hint_scan_destroy(whole);
	hint_scan_destroy(parts);
	return 0;
}
