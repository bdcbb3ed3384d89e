/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * session_loader: the sources of an image's layers and the loader that fetches
 * from them; opened by session_open_loader().
 *
 * Threads: one at a time.
 */
struct session;

/** session_loader_close() - free all of it, also when half opened or not at
 * all; once, at the session's end */
void session_loader_close(struct session *session);
