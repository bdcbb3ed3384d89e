/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * session_build: an index made of the image itself: of its layers, or of an
 * object's tables; session_build_index() and session_check_object() of
 * session.h as well.
 *
 * Threads: one at a time.
 */
struct error;
struct session;

/**
 * session_build_cached() - build an index and publish it in the cache
 *
 * Chunks of layers are kept in the cache as well.  Says how to avoid the wait
 * unless quiet.  The caller holds the claim of the manifest, so that one
 * process of the node builds.
 *
 * Return: 0; the index is not opened.  Or as index_store_create(),
 * session_build_index(), index_store_publish(), with @err.
 */
int session_build_cached(struct session *session, struct error *err);
