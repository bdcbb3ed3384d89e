/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/credentials.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/io.h"
#include "fetch/base64.h"
#include "fetch/base64.h"
#include "fetch/credential_helper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FOUND = 0,
	NONE = 1,
	FILE_SIZE_MAX = 1 << 20,
	FILES_MAX = 5,
	KEY_SIZE = 1024,
};

enum file_kind {
	FILE_CONTAINERS, /* containers-auth.json(5) */
	FILE_DOCKER,	 /* docker's config.json: has a credsStore too */
	FILE_DOCKERCFG,	 /* docker before 1.7: the auths themselves */
};

struct auth_file {
	enum file_kind kind;
	char path[1024];
};

void credentials_fini(struct credentials *credentials)
{
	char *const texts[] = { credentials->user, credentials->password,
				credentials->identity_token };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i])
			explicit_bzero(texts[i], strlen(texts[i]));
		free(texts[i]);
	}
	*credentials = (struct credentials){ 0 };
}

/* ---- where to look ---- */

static void add_file(struct auth_file files[FILES_MAX], unsigned *count,
		     enum file_kind kind, const char *folder, const char *rest)
{
	struct auth_file *file = &files[*count];
	int n;

	assert(*count < FILES_MAX);
	if (!folder || !*folder)
		return;
	n = snprintf(file->path, sizeof(file->path), "%s%s", folder, rest);
	file->kind = kind;
	if (n > 0 && (size_t)n < sizeof(file->path))
		++*count;
}

static unsigned list_files(struct auth_file files[FILES_MAX])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *docker = getenv("DOCKER_CONFIG");
	const char *home = getenv("HOME");
	unsigned count = 0;
	char run[64];

	snprintf(run, sizeof(run), "/run/containers/%u", (unsigned)getuid());
	add_file(files, &count, FILE_CONTAINERS, getenv("REGISTRY_AUTH_FILE"),
		 "");
	if (runtime && *runtime)
		add_file(files, &count, FILE_CONTAINERS, runtime,
			 "/containers/auth.json");
	else
		add_file(files, &count, FILE_CONTAINERS, run, "/auth.json");
	if (config && *config)
		add_file(files, &count, FILE_CONTAINERS, config,
			 "/containers/auth.json");
	else
		add_file(files, &count, FILE_CONTAINERS, home,
			 "/.config/containers/auth.json");
	if (docker && *docker)
		add_file(files, &count, FILE_DOCKER, docker, "/config.json");
	else
		add_file(files, &count, FILE_DOCKER, home,
			 "/.docker/config.json");
	add_file(files, &count, FILE_DOCKERCFG, home, "/.dockercfg");
	return count;
}

void credentials_list_files(char *ret, size_t size)
{
	struct auth_file files[FILES_MAX];
	unsigned count = list_files(files);
	size_t used = 0;

	assert(size > 0);
	ret[0] = '\0';
	for (unsigned i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(ret + used, size - used, "%s%s",
					 i ? ", " : "", files[i].path);
}

/* ---- keys ---- */

static bool is_docker_hub(const char *host)
{
	return strcmp(host, "docker.io") == 0 ||
	       strcmp(host, "index.docker.io") == 0 ||
	       strcmp(host, "registry-1.docker.io") == 0;
}

/* "https://host/v1/" to "host", as docker wrote keys once and still does for
 * its Hub. */
static void normalize_key(const char *key, char ret[KEY_SIZE])
{
	static const char *const ends[] = { "/v1", "/v2" };
	const char *colon = strstr(key, "://");
	size_t len;

	snprintf(ret, KEY_SIZE, "%s", colon ? colon + 3 : key);
	len = strlen(ret);
	while (len > 0 && ret[len - 1] == '/')
		ret[--len] = '\0';
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (len > 3 && strcmp(ret + len - 3, ends[i]) == 0) {
			ret[len - 3] = '\0';
			return;
		}
}

/* A key names @wanted, or is another name of Docker Hub with the same rest. */
static bool is_key_for(const char *key, const char *wanted)
{
	char host[KEY_SIZE];
	char wanted_host[KEY_SIZE];
	char name[KEY_SIZE];
	size_t len;

	normalize_key(key, name);
	if (strcmp(name, wanted) == 0)
		return true;
	len = strcspn(name, "/");
	snprintf(host, sizeof(host), "%.*s", (int)len, name);
	snprintf(wanted_host, sizeof(wanted_host), "%.*s",
		 (int)strcspn(wanted, "/"), wanted);
	return is_docker_hub(host) && is_docker_hub(wanted_host) &&
	       strcmp(name + len, wanted + strcspn(wanted, "/")) == 0;
}

static json_t *find_key(json_t *object, const char *wanted)
{
	json_t *value;
	const char *key;

	json_object_foreach (object, key, value) {
		if (is_key_for(key, wanted))
			return value;
	}
	return NULL;
}

/* From "host/ns/repo" down to "host". */
static json_t *find_longest_key(json_t *auths, const char *host,
				const char *repository)
{
	char wanted[KEY_SIZE];
	json_t *value;
	char *slash;

	if (snprintf(wanted, sizeof(wanted), "%s%s%s", host,
		     *repository ? "/" : "", repository) >= (int)sizeof(wanted))
		return NULL;
	for (;;) {
		value = find_key(auths, wanted);
		slash = strrchr(wanted, '/');
		if (value || !slash)
			return value;
		*slash = '\0';
	}
}

/* ---- one file ---- */

static int copy_text(const char *text, size_t len, char **ret)
{
	if (len > CREDENTIALS_TEXT_MAX)
		return -EPROTO;
	free(*ret);
	*ret = strndup(text, len);
	return *ret ? 0 : -ENOMEM;
}

static int split_auth(const char *auth, struct credentials *credentials)
{
	char *text = NULL;
	size_t size = 0;
	const char *colon;
	int r;

	r = base64_decode(auth, &text, &size);
	if (r < 0)
		return r == -EINVAL ? -EPROTO : r;
	colon = strchr(text, ':');
	if (!colon)
		r = -EPROTO;
	if (r == 0)
		r = copy_text(text, (size_t)(colon - text), &credentials->user);
	if (r == 0)
		r = copy_text(colon + 1, strlen(colon + 1),
			      &credentials->password);
	explicit_bzero(text, size);
	free(text);
	return r;
}

static int copy_member(json_t *entry, const char *name, char **ret)
{
	const char *text = json_string_value(json_object_get(entry, name));

	if (!text || !*text)
		return 0;
	return copy_text(text, strlen(text), ret);
}

static int read_entry(json_t *entry, struct credentials *credentials)
{
	const char *auth = json_string_value(json_object_get(entry, "auth"));
	int r = 0;

	if (auth && *auth)
		r = split_auth(auth, credentials);
	if (r == 0)
		r = copy_member(entry, "username", &credentials->user);
	if (r == 0)
		r = copy_member(entry, "password", &credentials->password);
	if (r == 0)
		r = copy_member(entry, "identitytoken",
				&credentials->identity_token);
	if (r < 0)
		return r;
	if (credentials->identity_token)
		return FOUND;
	return credentials->user && credentials->password ? FOUND : NONE;
}

static int ask_helper(const char *name, enum file_kind kind, const char *host,
		      struct credentials *credentials, struct error *err)
{
	const char *server = host;

	/* The name under which docker login stores the Hub's password. */
	if (kind == FILE_DOCKER && is_docker_hub(host))
		server = "https://index.docker.io/v1/";
	return credential_helper_get(name, server, credentials, err);
}

static int search_file(const struct auth_file *file, json_t *root,
		       const char *host, const char *repository,
		       struct credentials *credentials, struct error *err)
{
	json_t *helpers = json_object_get(root, "credHelpers");
	json_t *auths = file->kind == FILE_DOCKERCFG
				? root
				: json_object_get(root, "auths");
	const char *helper = json_string_value(find_key(helpers, host));
	const char *store = NULL;
	json_t *entry = find_longest_key(auths, host, repository);
	int r = NONE;

	if (file->kind == FILE_DOCKER)
		store = json_string_value(json_object_get(root, "credsStore"));
	if (helper && *helper)
		r = ask_helper(helper, file->kind, host, credentials, err);
	if (r == NONE && entry) {
		r = read_entry(entry, credentials);
		if (r < 0)
			error_set(err, r,
				  "%s: the entry for %s is malformed; log in "
				  "anew",
				  file->path, host);
	}
	if (r == NONE && !helper && store && *store)
		r = ask_helper(store, file->kind, host, credentials, err);
	return r;
}

static int load_file(const struct auth_file *file, const char *host,
		     const char *repository, struct credentials *credentials,
		     struct error *err)
{
	CLEANUP(buffer_fini) struct buffer buffer = BUFFER_INIT(FILE_SIZE_MAX);
	json_error_t json_err;
	json_t *root;
	int r;

	r = io_read_file(AT_FDCWD, file->path, &buffer, NULL);
	if (r == -EFBIG)
		return error_set(err, -EPROTO, "%s: too large for credentials",
				 file->path);
	if (r == -ENOMEM)
		return error_set(err, r, "out of memory");
	if (r < 0)
		return NONE; /* absent, or not this user's to read */
	root = json_loadb((const char *)buffer.data, buffer.size, 0, &json_err);
	if (json_is_object(root))
		r = search_file(file, root, host, repository, credentials, err);
	else
		r = error_set(err, -EPROTO, "%s: not valid JSON (line %d)",
			      file->path, root ? 1 : json_err.line);
	json_decref(root);
	if (buffer.size)
		explicit_bzero(buffer.data, buffer.size);
	return r;
}

int credentials_load(const char *host, const char *repository,
		     struct credentials *ret, struct error *err)
{
	struct auth_file files[FILES_MAX];
	unsigned count = list_files(files);
	struct error ignored = { 0 };
	int failure = 0;
	int r;

	for (unsigned i = 0; i < count; i++) {
		struct credentials credentials = { 0 };

		r = load_file(&files[i], host, repository, &credentials,
			      failure ? &ignored : err);
		if (r == FOUND) {
			*ret = credentials;
			return 0;
		}
		credentials_fini(&credentials);
		if (r < 0 && !failure)
			failure = r;
	}
	if (failure == 0)
		*ret = (struct credentials){ 0 };
	return failure;
}

int credentials_make_basic(const struct credentials *credentials, char **ret)
{
	autofree char *pair = NULL;
	autofree char *encoded = NULL;
	char *header = NULL;

	if (asprintf(&pair, "%s:%s", credentials->user, credentials->password) <
	    0) {
		pair = NULL;
		return -ENOMEM;
	}
	encoded = base64_encode(pair, strlen(pair));
	explicit_bzero(pair, strlen(pair));
	if (!encoded || asprintf(&header, "Basic %s", encoded) < 0)
		return -ENOMEM;
	explicit_bzero(encoded, strlen(encoded));
	*ret = header;
	return 0;
}
