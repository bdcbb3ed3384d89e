/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_registry: an image_origin that is a repository of a registry.
 */
#include <stdbool.h>

struct error;
struct http_client;
struct image_origin;
struct image_ref;

/**
 * image_registry_create() - of a docker: reference; nothing is sent yet
 * @client:     borrowed; must outlive the origin
 * @allow_http: plain http to hosts that are not loopback
 *
 * Return: as registry_create().
 */
int image_registry_create(const struct image_ref *ref,
			  struct http_client *client, bool allow_http,
			  struct image_origin **ret, struct error *err);
