/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/pelican_url.h"

#include "common/cleanup.h"
#include "common/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OSDF_FEDERATION "osg-htc.org"

enum { TOKEN_NAME_LEN_MAX = 128 };

static bool is_scheme(const char *scheme, size_t len, const char *name)
{
	return strlen(name) == len && strncasecmp(scheme, name, len) == 0;
}

/* Takes "TOKEN+osdf" apart; the last '+' counts. */
static bool split_scheme(const char *text, const char **ret_scheme,
			 size_t *ret_len)
{
	const char *colon = strstr(text, "://");
	const char *plus;

	if (!colon || colon - text > TOKEN_NAME_LEN_MAX)
		return false;
	plus = memrchr(text, '+', (size_t)(colon - text));
	*ret_scheme = plus ? plus + 1 : text;
	*ret_len = (size_t)(colon - *ret_scheme);
	return true;
}

static bool is_osdf(const char *scheme, size_t len)
{
	return is_scheme(scheme, len, "osdf") ||
	       is_scheme(scheme, len, "stash");
}

bool pelican_url_is_one(const char *text)
{
	const char *scheme;
	size_t len;

	return split_scheme(text, &scheme, &len) &&
	       (is_osdf(scheme, len) || is_scheme(scheme, len, "pelican"));
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place.  False: a control character came of it. */
static bool decode(char *text)
{
	char *out = text;

	for (const char *p = text; *p; p++) {
		int high = *p == '%' ? hex_value(p[1]) : -1;
		int low = high >= 0 ? hex_value(p[2]) : -1;

		*out = *p;
		if (low >= 0) {
			*out = (char)(high * 16 + low);
			p += 2;
		}
		if ((unsigned char)*out < 0x20 || *out == 0x7f)
			return false;
		out++;
	}
	*out = '\0';
	return true;
}

/* Empty parts, "." and ".." vanish, as Go's path.Clean has it.  In place. */
static void clean(char *path)
{
	char *out = path;
	const char *p = path;

	while (*p) {
		size_t len = strcspn(p += strspn(p, "/"), "/");

		if (len == 2 && strncmp(p, "..", 2) == 0) {
			while (out > path && *--out != '/')
				;
		} else if (len > 0 && !(len == 1 && *p == '.')) {
			*out++ = '/';
			memmove(out, p, len);
			out += len;
		}
		p += len;
	}
	*out = '\0';
}

static char *escape(const char *path)
{
	static const char digits[] = "0123456789ABCDEF";
	char *escaped = malloc(3 * strlen(path) + 1);
	char *out = escaped;

	if (!escaped)
		return NULL;
	for (; *path; path++) {
		if (isalnum((unsigned char)*path) ||
		    strchr("/-._~!$&'()*+,;=:@", *path)) {
			*out++ = *path;
			continue;
		}
		*out++ = '%';
		*out++ = digits[(unsigned char)*path >> 4];
		*out++ = digits[(unsigned char)*path & 15];
	}
	*out = '\0';
	return escaped;
}

static int read_query(const char *query, struct pelican_url *url,
		      struct error *err)
{
	while (*query) {
		size_t len = strcspn(query, "&");
		size_t name_len = strcspn(query, "=&");
		bool is_direct = is_scheme(query, name_len, "directread");

		if (is_direct && url->is_direct)
			return error_set(err, -EINVAL,
					 "directread is given twice");
		if (is_direct)
			url->is_direct = true;
		else if (len > 0 && !is_scheme(query, name_len, "skipstat") &&
			 !is_scheme(query, name_len, "prefercached"))
			return error_set(
				err, -EINVAL,
				"parameter \"%.*s\" is not understood; "
				"directread, prefercached and skipstat "
				"are",
				name_len < 40 ? (int)name_len : 40, query);
		query += len + (query[len] == '&');
	}
	return 0;
}

static int set_token_name(const char *text, const char *scheme,
			  struct pelican_url *url)
{
	if (scheme == text)
		return 0;
	url->token_name = strndup(text, (size_t)(scheme - text - 1));
	if (!url->token_name)
		return -ENOMEM;
	for (char *p = url->token_name; *p; p++)
		if (*p == '_')
			*p = '.';
	return 0;
}

/* Host and path behind "scheme://". */
static int split_rest(const char *rest, bool is_osdf_scheme,
		      const char *federation, struct pelican_url *url,
		      struct error *err)
{
	size_t len = strcspn(rest, "/?#");
	const char *path = rest + len;

	if (is_osdf_scheme) {
		url->federation =
			strdup(federation ? federation : OSDF_FEDERATION);
		path = rest; /* osdf://ns/path: the host is the first part */
	} else if (len == 0) {
		return error_set(err, -EINVAL,
				 "pelican:// needs a federation's host before "
				 "the path; did you mean osdf://%.200s, or "
				 "pelican://osg-htc.org%.200s?",
				 rest, rest);
	} else {
		url->federation = strndup(rest, len);
	}
	if (asprintf(&url->path, "/%.*s", (int)strcspn(path, "?#"), path) < 0)
		url->path = NULL;
	if (!url->federation || !url->path)
		return error_set(err, -ENOMEM, "out of memory");
	if (!decode(url->path))
		return error_set(err, -EINVAL,
				 "the path has a control character");
	clean(url->path);
	if (!*url->path)
		return error_set(err, -EINVAL, "it names no object");
	path += strcspn(path, "?#");
	return *path == '?' ? read_query(path + 1, url, err) : 0;
}

static bool is_host(const char *federation)
{
	const char *host = strstr(federation, "://");

	host = host ? host + 3 : federation;
	return *host &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
			    "WXYZ0123456789.-_:[]") == strlen(host);
}

static char *make_name(const struct pelican_url *url)
{
	const char *host = strstr(url->federation, "://");
	char *name = NULL;
	int r;

	host = host ? host + 3 : url->federation;
	if (strcasecmp(host, OSDF_FEDERATION) == 0)
		r = asprintf(&name, "osdf://%s", url->escaped_path);
	else
		r = asprintf(&name, "pelican://%s%s", host, url->escaped_path);
	return r < 0 ? NULL : name;
}

static int parse(const char *text, const char *federation,
		 struct pelican_url *url, struct error *err)
{
	const char *scheme;
	size_t len;
	int r;

	if (!pelican_url_is_one(text) || !split_scheme(text, &scheme, &len))
		return error_set(err, -EINVAL,
				 "not the URL of an object in a federation");
	if (strlen(text) > PELICAN_URL_LEN_MAX)
		return error_set(err, -EINVAL, "the URL is too long");
	r = split_rest(scheme + len + 3, is_osdf(scheme, len), federation, url,
		       err);
	if (r < 0)
		return r;
	if (!is_host(url->federation))
		return error_set(err, -EINVAL,
				 "\"%.100s\" is no federation's host name",
				 url->federation);
	url->escaped_path = escape(url->path);
	url->name = url->escaped_path ? make_name(url) : NULL;
	if (!url->name || set_token_name(text, scheme, url) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

int pelican_url_parse(const char *text, const char *federation,
		      struct pelican_url *ret, struct error *err)
{
	struct pelican_url url CLEANUP(pelican_url_fini) = { 0 };
	int r = parse(text, federation, &url, err);

	if (r < 0)
		return error_prefix(err, r, "%.300s", text);
	*ret = url;
	url = (struct pelican_url){ 0 };
	return 0;
}

void pelican_url_fini(struct pelican_url *url)
{
	free(url->federation);
	free(url->path);
	free(url->escaped_path);
	free(url->token_name);
	free(url->name);
	*url = (struct pelican_url){ 0 };
}
