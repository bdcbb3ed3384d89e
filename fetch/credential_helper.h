/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * credential_helper: asks a program "docker-credential-NAME" for a password
 * (docker-credential-helpers, "Development": `get` reads a server's name from
 * stdin and writes {"ServerURL","Username","Secret"} to stdout).
 *
 * Threads: any.
 */
struct credentials;
struct error;

enum {
	CREDENTIAL_HELPER_FOUND = 0,
	CREDENTIAL_HELPER_NONE = 1, /* the helper knows no such server */
	CREDENTIAL_HELPER_TIMEOUT_MS = 10000,
};

/**
 * credential_helper_get() - run a helper
 * @name:   letters, digits, '.', '_' and '-'; looked for in $PATH
 * @server: what it is asked for
 * @ret:    set when found; credentials_fini() releases it
 *
 * Blocks for CREDENTIAL_HELPER_TIMEOUT_MS at most; the helper and the
 * processes of its group are killed then.
 *
 * Return: CREDENTIAL_HELPER_FOUND, CREDENTIAL_HELPER_NONE, -EIO (not
 * installed, failed), -EPROTO (not the answer of a helper), -ETIMEDOUT,
 * -ENOMEM.
 */
int credential_helper_get(const char *name, const char *server,
			  struct credentials *ret, struct error *err);
