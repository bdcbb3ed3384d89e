/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_error: HTTP statuses of a registry or its storage, as errors for
 * programs and sentences for people.
 *
 * Threads: no shared state.
 */
#include <stdbool.h>

struct error;
struct http_response;

/**
 * registry_error_set_status() - an answer that is not the one hoped for
 * @what: what was asked for: "host/repository:tag"
 * @host: the registry's; for advice to log in
 *
 * Adds what the registry itself says (distribution-spec, "Error Codes").
 *
 * Return: -ENOENT (404, 410), -EACCES (401, 403), -EROFS (405), -EBUSY (429),
 * -EIO (5xx), -EPROTO
 * (anything else).
 */
int registry_error_set_status(const struct http_response *response,
			      const char *what, const char *host,
			      struct error *err);

/** registry_error_is_passing() - may the same request succeed later? */
bool registry_error_is_passing(int status);

/** registry_error_is_of_url() - is it what storage says of a signed URL that
 * has expired, in whatever words, so that a new one may help? */
bool registry_error_is_of_url(int status);
