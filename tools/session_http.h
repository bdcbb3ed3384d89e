/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * session_http: the client that all of a session's requests share.
 *
 * Threads: one makes the client (that of the session, or the one that first
 * reads a layer); session_http_get_link() any.
 */
struct chunk_link;
struct error;
struct http_client;

/** session_http_get() - image.h's get_http_client: the client, made when there
 * is none yet
 * @arg: the session; owns the client
 *
 * Return: 0, or as http_client_create() with @err. */
int session_http_get(void *arg, struct http_client **ret, struct error *err);

/** session_http_get_link() - chunk_pace.h's: what the client has measured;
 * @ret stays as it is while there is none
 * @arg: the session; the client may be made by another thread meanwhile */
void session_http_get_link(void *arg, struct chunk_link *ret);
