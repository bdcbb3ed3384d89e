/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_stub.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char magic[] = "lazyrun-stub 1\n";

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return true;
	return false;
}

static int take_line(const char *line, size_t len, struct image_stub *ret,
		     struct error *err)
{
	char digest[DIGEST_TEXT_SIZE];

	if (len > 5 && memcmp(line, "url: ", 5) == 0) {
		if (len - 5 >= sizeof(ret->url))
			return error_set(err, -EBADMSG,
					 "the stub's URL is too long");
		memcpy(ret->url, line + 5, len - 5);
		ret->url[len - 5] = '\0';
		if (has_control(ret->url))
			return error_set(err, -EBADMSG,
					 "the stub's URL is not one");
	}
	if (len > 8 && memcmp(line, "digest: ", 8) == 0) {
		if (len - 8 >= sizeof(digest))
			return error_set(err, -EBADMSG,
					 "the stub's digest is not one");
		memcpy(digest, line + 8, len - 8);
		digest[len - 8] = '\0';
		if (digest_parse(digest, &ret->digest, NULL) < 0)
			return error_set(err, -EBADMSG,
					 "the stub's digest is not one");
		ret->has_digest = true;
	}
	return 0;
}

int image_stub_parse(const uint8_t *data, size_t size, struct image_stub *ret,
		     struct error *err)
{
	struct image_stub stub = { .has_digest = false };
	const char *text = (const char *)data;
	const char *end = text + size;
	int r = 0;

	if (size < sizeof(magic) - 1 ||
	    memcmp(data, magic, sizeof(magic) - 1) != 0)
		return IMAGE_STUB_NONE;
	if (size > IMAGE_STUB_SIZE_MAX || memchr(data, '\0', size))
		return error_set(err, -EBADMSG, "the stub is damaged");
	text += sizeof(magic) - 1;
	while (r == 0 && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		r = take_line(text, (size_t)(stop - text), &stub, err);
		text = newline ? newline + 1 : end;
	}
	if (r < 0)
		return r;
	if (!stub.url[0])
		return error_set(err, -EBADMSG, "the stub has no URL");
	*ret = stub;
	return IMAGE_STUB_FOUND;
}

int image_stub_load(const char *path, struct image_stub *ret, struct error *err)
{
	struct buffer data CLEANUP(buffer_fini) =
		BUFFER_INIT(IMAGE_STUB_SIZE_MAX);
	struct stat st;
	int r;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > IMAGE_STUB_SIZE_MAX ||
	    io_read_file(AT_FDCWD, path, &data, NULL) < 0)
		return IMAGE_STUB_NONE;
	r = image_stub_parse(data.data, data.size, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : r;
}

int image_stub_format(const struct image_stub *stub, struct buffer *buffer)
{
	char digest[DIGEST_TEXT_SIZE];
	char text[IMAGE_STUB_URL_SIZE + 256];
	int n;

	n = snprintf(text, sizeof(text), "%surl: %s\n", magic, stub->url);
	if (stub->has_digest) {
		digest_format(&stub->digest, digest);
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "digest: %s\n", digest);
	}
	return buffer_append(buffer, text, (size_t)n);
}
