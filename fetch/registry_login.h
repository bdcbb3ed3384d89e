/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * registry_login: reads credentials on a thread of its own, because a
 * credential helper may take seconds and the network thread must not wait.
 *
 * Threads: start and take one thread (the network's); stop any other, once.
 */
#include "fetch/credentials.h"

#include <stdbool.h>

struct error;
struct registry_login;

/**
 * registry_login_create() - nothing is read yet
 * @auth_key:   borrowed, as @repository; see credentials_load()
 * @loaded:     called on the reading thread when there is something to take
 *
 * Return: NULL when out of memory.
 */
struct registry_login *registry_login_create(const char *auth_key,
					     const char *repository,
					     void (*loaded)(void *arg),
					     void *arg);

/** registry_login_destroy() - after stop(); NULL is allowed */
void registry_login_destroy(struct registry_login *login);

/**
 * registry_login_start() - read credentials; none may be under way
 *
 * Return: 0, -ECANCELED (stopped), -EAGAIN (no thread).
 */
int registry_login_start(struct registry_login *login);

/**
 * registry_login_take() - what was read since the last start
 * @ret:     credentials_fini() releases it; empty when there are none
 * @ret_err: why there are none, code 0 when there is no reason
 *
 * Return: false when nothing has been read yet; both are untouched.
 */
bool registry_login_take(struct registry_login *login, struct credentials *ret,
			 struct error *ret_err);

/** registry_login_stop() - read no more; waits for what is being read */
void registry_login_stop(struct registry_login *login);
