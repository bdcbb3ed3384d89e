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
#include <unistd.h>

static const char interpreter[] = "#!/usr/bin/env -S lazyrun run\n";
static const char magic[] = "lazyrun-stub 1\n";

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return true;
	return false;
}

static int take_url(const char *text, size_t len, struct image_stub *ret,
		    struct error *err)
{
	if (len >= sizeof(ret->url))
		return error_set(err, -EBADMSG, "the stub's URL is too long");
	memcpy(ret->url, text, len);
	ret->url[len] = '\0';
	if (has_control(ret->url))
		return error_set(err, -EBADMSG, "the stub's URL is not one");
	return 0;
}

static int take_digest(const char *text, size_t len, struct digest *ret,
		       struct error *err)
{
	char digest[DIGEST_TEXT_SIZE];

	if (len < sizeof(digest)) {
		memcpy(digest, text, len);
		digest[len] = '\0';
		if (digest_parse(digest, ret, NULL) == 0)
			return 0;
	}
	return error_set(err, -EBADMSG, "a digest of the stub is not one");
}

static int take_line(const char *line, size_t len, struct image_stub *ret,
		     struct error *err)
{
	int r = 0;

	if (len > 5 && memcmp(line, "url: ", 5) == 0)
		return take_url(line + 5, len - 5, ret, err);
	if (len > 8 && memcmp(line, "digest: ", 8) == 0) {
		r = take_digest(line + 8, len - 8, &ret->digest, err);
		ret->has_digest = r == 0;
	}
	if (len > 7 && memcmp(line, "index: ", 7) == 0) {
		r = take_digest(line + 7, len - 7, &ret->index, err);
		ret->has_index = r == 0;
	}
	return r;
}

/* Behind "#!..." and the magic words; NULL: no stub. */
static const char *skip_head(const char *text, const char *end)
{
	if (end - text > 2 && text[0] == '#' && text[1] == '!') {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		text = newline ? newline + 1 : end;
	}
	if (end - text < (ptrdiff_t)sizeof(magic) - 1 ||
	    memcmp(text, magic, sizeof(magic) - 1) != 0)
		return NULL;
	return text + sizeof(magic) - 1;
}

int image_stub_parse(const uint8_t *data, size_t size, struct image_stub *ret,
		     struct error *err)
{
	struct image_stub stub = { .has_digest = false };
	const char *end = (const char *)data + size;
	const char *text = skip_head((const char *)data, end);
	int r = 0;

	if (!text)
		return IMAGE_STUB_NONE;
	while (r == 0 && text < end && *text != '\n') {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		if (memchr(text, '\0', (size_t)(stop - text)))
			return error_set(err, -EBADMSG, "the stub is damaged");
		r = take_line(text, (size_t)(stop - text), &stub, err);
		text = newline ? newline + 1 : end;
	}
	if (r < 0)
		return r;
	if (!stub.url[0])
		return error_set(err, -EBADMSG, "the stub has no URL");
	if (stub.has_index && text >= end)
		return error_set(err, -EBADMSG, "the stub is cut short");
	if (stub.has_index)
		stub.index_off = (size_t)(text + 1 - (const char *)data);
	*ret = stub;
	return IMAGE_STUB_FOUND;
}

/* The beginning of a regular file; 0 bytes of anything else. */
static size_t read_head(const char *path, uint8_t *ret, size_t capacity)
{
	struct stat st;
	autoclose int fd = -1;
	ssize_t n;

	/* opening a pipe would wait */
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	n = fd < 0 ? 0 : pread(fd, ret, capacity, 0);
	return n < 0 ? 0 : (size_t)n;
}

int image_stub_load(const char *path, struct image_stub *ret, struct error *err)
{
	uint8_t head[IMAGE_STUB_SIZE_MAX];
	size_t size = read_head(path, head, sizeof(head));
	int r = image_stub_parse(head, size, ret, err);

	return r < 0 ? error_prefix(err, r, "%s", path) : r;
}

int image_stub_load_index(const char *path, const struct image_stub *stub,
			  struct buffer *buffer, struct error *err)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t old_size = buffer->size;
	struct digest digest;
	struct stat st;
	size_t size;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, -errno, "cannot read %s", path);
	if ((uint64_t)st.st_size < stub->index_off)
		return error_set(err, -EBADMSG, "%s is cut short", path);
	size = (size_t)st.st_size - stub->index_off;
	if (size > IMAGE_STUB_INDEX_SIZE_MAX)
		return error_set(err, -EFBIG, "the index in %s is too large",
				 path);
	r = buffer_reserve(buffer, size);
	if (r == 0)
		r = io_pread_full(fd, stub->index_off, size,
				  buffer->data + old_size);
	if (r < 0)
		return error_set_errno(err, r, "cannot read %s", path);
	digest_compute(buffer->data + old_size, size, &digest);
	if (!digest_equal(&digest, &stub->index))
		return error_set(err, -EBADMSG, "the index in %s is damaged",
				 path);
	buffer->size += size;
	return 0;
}

int image_stub_format(const struct image_stub *stub, struct buffer *buffer)
{
	char digest[DIGEST_TEXT_SIZE];
	char text[IMAGE_STUB_URL_SIZE + 512];
	int n;

	n = snprintf(text, sizeof(text), "%s%surl: %s\n", interpreter, magic,
		     stub->url);
	if (stub->has_digest) {
		digest_format(&stub->digest, digest);
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "digest: %s\n", digest);
	}
	if (stub->has_index) {
		digest_format(&stub->index, digest);
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "index: %s\n\n", digest);
	}
	return buffer_append(buffer, text, (size_t)n);
}
