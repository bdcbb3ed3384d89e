/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_ref_object.h"

#include "common/cleanup.h"
#include "common/error.h"
#include "image/image_name.h"
#include "image/image_ref.h"
#include "image/image_ref_text.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int image_ref_object_make_absolute(const char *path, char **ret)
{
	autofree char *current = NULL;

	*ret = realpath(path, NULL);
	if (*ret)
		return 0;
	if (path[0] == '/')
		return image_ref_text_format(ret, "%s", path);
	current = getcwd(NULL, 0);
	return image_ref_text_format(ret, "%s/%s", current ? current : ".",
				     path);
}

static int set_file(const char *path, struct image_ref *ref)
{
	struct stat st;
	int r = image_ref_object_make_absolute(path, &ref->path);

	if (r < 0)
		return r;
	ref->kind = stat(path, &st) == 0 && S_ISDIR(st.st_mode)
			    ? IMAGE_REF_DIRECTORY
			    : IMAGE_REF_FILE;
	return image_ref_text_format(&ref->text, "file:%s", ref->path);
}

static int parse_file(const char *text, const char *path, struct image_ref *ref,
		      struct error *err)
{
	if (image_ref_text_skip(path, "//")) {
		path += 2;
		if (path[0] != '/')
			return error_set(err, -EINVAL,
					 "%.200s names a host where a path is "
					 "to be; write file:/PATH",
					 text);
	}
	if (!path[0])
		return error_set(err, -EINVAL,
				 "%.200s names no file; write file:PATH", text);
	return set_file(path, ref);
}

/* Is it meant as a path?  What exists is, and what says so by its start. */
static bool is_path(const char *text)
{
	struct stat st;

	return text[0] == '/' || image_ref_text_skip(text, "./") ||
	       image_ref_text_skip(text, "../") || strcmp(text, ".") == 0 ||
	       strcmp(text, "..") == 0 ||
	       (!strstr(text, "://") && stat(text, &st) == 0);
}

/* Neither spaces nor controls: nothing that ends a line of a request. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

static int check_plain(const char *text, struct error *err)
{
	if (is_plain(text))
		return 0;
	return error_set(err, -EINVAL,
			 "%.200s: spaces and control characters cannot stand "
			 "there; write a space as %%20",
			 text);
}

/* Cuts the lower-cased host and its port off @rest. */
static int take_host(const char *text, const char **rest, char **ret,
		     struct error *err)
{
	size_t len = strcspn(*rest, "/?#");
	autofree char *host = strndup(*rest, len);
	int r;

	if (!host)
		return -ENOMEM;
	for (char *c = host; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (strchr(host, '@'))
		return error_set(err, -EINVAL,
				 "a name or password cannot stand in a URL, "
				 "where others would see it; write it without");
	r = image_ref_text_check_host(text, host, err);
	if (r < 0)
		return r;
	*rest += len;
	*ret = STEAL_PTR(host);
	return 0;
}

static int parse_url(const char *text, const char *scheme, const char *rest,
		     struct image_ref *ref, struct error *err)
{
	int r = check_plain(text, err);
	size_t len;

	ref->kind = IMAGE_REF_URL;
	if (r == 0)
		r = take_host(text, &rest, &ref->host, err);
	if (r < 0)
		return r;
	len = strcspn(rest, "#");
	if (rest[0] != '/' || len == 1)
		return error_set(err, -EINVAL,
				 "%.200s names no file; write %s://HOST/PATH",
				 text, scheme);
	return image_ref_text_format(&ref->text, "%s://%s%.*s", scheme,
				     ref->host, (int)len, rest);
}

/* Folds repeated slashes and "." in place; 0, or -EINVAL for "..". */
static int clean_path(char *path)
{
	char *to = path;
	const char *from = path;

	while (*from) {
		size_t len;

		from += strspn(from, "/");
		len = strcspn(from, "/");
		if (len == 2 && strncmp(from, "..", 2) == 0)
			return -EINVAL;
		if (len > 0 && !(len == 1 && *from == '.')) {
			*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len;
	}
	*to = '\0';
	return path[0] ? 0 : -EINVAL;
}

static bool is_token_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    !strchr("_.-+", text[i]))
			return false;
	return len > 0 && len <= IMAGE_NAME_TAG_LEN_MAX;
}

static int set_osdf_path(const char *text, const char *path,
			 struct image_ref *ref, struct error *err)
{
	size_t len = strcspn(path, "?");
	int r = image_ref_text_format(&ref->path, "/%.*s", (int)len, path);

	if (r < 0)
		return r;
	if (path[len] && !(ref->query = strdup(path + len + 1)))
		return -ENOMEM;
	if (clean_path(ref->path) < 0 || strchr(path, '#'))
		return error_set(err, -EINVAL,
				 "%.200s: no object has that path; write "
				 "osdf:///NAMESPACE/PATH, without \"..\" and "
				 "\"#\"",
				 text);
	return 0;
}

static int set_osdf_text(struct image_ref *ref)
{
	return image_ref_text_format(
		&ref->text, "%s%s%s://%s%s%s%s",
		ref->token_name ? ref->token_name : "",
		ref->token_name ? "+" : "", ref->host ? "pelican" : "osdf",
		ref->host ? ref->host : "", ref->path, ref->query ? "?" : "",
		ref->query ? ref->query : "");
}

/* @scheme: where it starts in @text; a token's name and '+' may precede */
static int parse_osdf(const char *text, const char *scheme, const char *rest,
		      struct image_ref *ref, struct error *err)
{
	int r = check_plain(text, err);

	ref->kind = IMAGE_REF_OSDF;
	if (r < 0)
		return r;
	if (scheme > text) {
		size_t len = (size_t)(scheme - text) - 1;

		assert(text[len] == '+');
		if (!is_token_name(text, len))
			return error_set(err, -EINVAL,
					 "%.200s: the name of a token, before "
					 "the '+', has letters, digits, '_', "
					 "'.' and '-'",
					 text);
		if (!(ref->token_name = strndup(text, len)))
			return -ENOMEM;
	}
	if (image_ref_text_skip(scheme, "pelican://")) {
		if (rest[0] == '/')
			return error_set(err, -EINVAL,
					 "%.200s names no federation; write "
					 "pelican://FEDERATION/NAMESPACE/PATH, "
					 "or osdf:///NAMESPACE/PATH for the "
					 "OSDF",
					 text);
		r = take_host(text, &rest, &ref->host, err);
	}
	if (r == 0)
		r = set_osdf_path(text, rest, ref, err);
	return r < 0 ? r : set_osdf_text(ref);
}

/* The scheme behind the last '+' before "://", if it is @name. */
static const char *find_scheme(const char *text, const char *name)
{
	const char *end = strstr(text, "://");
	size_t len = strlen(name);
	const char *start;

	if (!end || (size_t)(end - text) < len)
		return NULL;
	start = end - len;
	if (strncmp(start, name, len) != 0)
		return NULL;
	return start == text || start[-1] == '+' ? start : NULL;
}

int image_ref_object_parse(const char *text, struct image_ref *ref,
			   struct error *err)
{
	static const char *const osdf_schemes[] = { "osdf", "stash",
						    "pelican" };
	const char *body;

	if ((body = image_ref_text_skip(text, "file:")))
		return parse_file(text, body, ref, err);
	if ((body = image_ref_text_skip(text, "http://")))
		return parse_url(text, "http", body, ref, err);
	if ((body = image_ref_text_skip(text, "https://")))
		return parse_url(text, "https", body, ref, err);
	for (size_t i = 0; i < sizeof(osdf_schemes) / sizeof(osdf_schemes[0]);
	     i++) {
		const char *scheme = find_scheme(text, osdf_schemes[i]);

		if (scheme)
			return parse_osdf(text, scheme,
					  strstr(scheme, "://") + 3, ref, err);
	}
	return is_path(text) ? set_file(text, ref) : IMAGE_REF_OBJECT_OTHER;
}
