/* SPDX-License-Identifier: Apache-2.0 */
/* A list of files, and a job's ad, of any content: they end, within bounds. */
#include "tools/htcondor_ad.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct htcondor_ad ad;
	size_t cursor = 0;
	size_t before = 0;

	if (!text)
		return 0;
	while (htcondor_ad_next(text, &cursor, &ad, NULL) ==
	       HTCONDOR_AD_FOUND) {
		assert(cursor > before && cursor <= strlen(text));
		assert(ad.off >= before && ad.off + ad.size == cursor);
		assert(!ad.url || strlen(ad.url) < ad.size);
		htcondor_ad_fini(&ad);
		before = cursor;
	}
	free(htcondor_ad_find_string(text, "ContainerImage"));
	free(text);
	return 0;
}
