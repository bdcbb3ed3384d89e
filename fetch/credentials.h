/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * credentials: user names and passwords for registries, from where docker,
 * podman and skopeo users keep them (containers-auth.json(5), docker's
 * config.json).
 *
 * Order: $REGISTRY_AUTH_FILE; $XDG_RUNTIME_DIR/containers/auth.json or
 * /run/containers/<uid>/auth.json; $XDG_CONFIG_HOME (~/.config)
 * /containers/auth.json; $DOCKER_CONFIG/config.json or ~/.docker/config.json;
 * ~/.dockercfg.  In a file: credHelpers for the host, then auths from the
 * longest key "host/ns/repo" to "host", then (docker's file only) credsStore.
 *
 * Threads: any; files are read anew at each call, so renewed ones are seen.
 */
#include <stddef.h>

struct error;

enum { CREDENTIALS_TEXT_MAX = 16384 };

struct credentials {
	char *user; /* NULL: none */
	char *password;
	char *identity_token; /* OAuth2 refresh token, or NULL */
};

void credentials_fini(struct credentials *credentials);

/**
 * credentials_load() - what the user has for a repository
 * @host:       as in the file's keys: "docker.io" stands for Docker Hub's
 *              "https://index.docker.io/v1/" too
 * @repository: "ns/name"; may be ""
 * @ret:        empty (all NULL) when there is nothing; credentials_fini()
 *
 * May run a credential helper (docker-credential-NAME get), without a shell,
 * at most 10 s.  A file that fails does not hide the next: its error is
 * returned when none of them has anything.
 *
 * Return: 0; -EPROTO (a file or helper's answer is malformed: @err names it),
 * -ETIMEDOUT (helper), -EIO (helper failed), -ENOMEM.
 */
int credentials_load(const char *host, const char *repository,
		     struct credentials *ret, struct error *err);

/** credentials_list_files() - the files looked in, "A, B, C", for sentences */
void credentials_list_files(char *ret, size_t size);

/**
 * credentials_make_basic() - "Basic ..." (RFC 7617)
 * @credentials: with user and password
 * @ret:         a secret; free() releases it
 *
 * Return: 0 or -ENOMEM.
 */
int credentials_make_basic(const struct credentials *credentials, char **ret);
