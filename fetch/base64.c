/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/base64.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t size)
{
	const uint8_t *in = data;
	char *text;
	char *out;

	assert(size <= SIZE_MAX / 2);
	text = malloc((size + 2) / 3 * 4 + 1);
	out = text;
	if (!text)
		return NULL;
	for (size_t i = 0; i < size; i += 3) {
		unsigned group = (unsigned)in[i] << 16;

		if (i + 1 < size)
			group |= (unsigned)in[i + 1] << 8;
		if (i + 2 < size)
			group |= in[i + 2];
		*out++ = alphabet[group >> 18];
		*out++ = alphabet[group >> 12 & 63];
		*out++ = i + 1 < size ? alphabet[group >> 6 & 63] : '=';
		*out++ = i + 2 < size ? alphabet[group & 63] : '=';
	}
	*out = '\0';
	return text;
}

int base64_decode(const char *text, char **ret, size_t *ret_size)
{
	size_t len = strlen(text);
	unsigned group = 0;
	size_t size = 0;
	char *data;

	while (len > 0 && text[len - 1] == '=')
		len--;
	if (len % 4 == 1)
		return -EINVAL;
	data = malloc(len / 4 * 3 + 3);
	if (!data)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		const char *place = strchr(alphabet, text[i]);

		if (!place) {
			free(data);
			return -EINVAL;
		}
		group = group << 6 | (unsigned)(place - alphabet);
		if (i % 4 > 0)
			data[size++] = (char)(group >> (6 - i % 4 * 2) & 0xff);
	}
	data[size] = '\0';
	*ret = data;
	*ret_size = size;
	return 0;
}
