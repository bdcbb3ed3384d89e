/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: `lock` protects what passes between the reading thread, the one
 * that starts it, and the one that stops it.  Whoever clears has_thread joins.
 */
#include "fetch/registry_login.h"

#include "common/error.h"
#include "common/thread.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct registry_login {
	/* -- fixed -- */
	const char *auth_key;
	const char *repository;
	void (*loaded)(void *arg);
	void *arg;
	struct mutex lock;
	/* -- protected by lock -- */
	bool is_stopped GUARDED;
	bool has_thread GUARDED; /* not joined yet */
	pthread_t thread GUARDED;
	bool is_loaded GUARDED; /* the next two are set */
	struct credentials credentials GUARDED;
	struct error err GUARDED;
};

struct registry_login *registry_login_create(const char *auth_key,
					     const char *repository,
					     void (*loaded)(void *arg),
					     void *arg)
{
	struct registry_login *login = calloc(1, sizeof(*login));

	if (!login)
		return NULL;
	login->auth_key = auth_key;
	login->repository = repository;
	login->loaded = loaded;
	login->arg = arg;
	mutex_init(&login->lock);
	return login;
}

void registry_login_destroy(struct registry_login *login)
{
	if (!login)
		return;
	mutex_lock(&login->lock);
	assert(!login->has_thread);
	credentials_fini(&login->credentials);
	mutex_unlock(&login->lock);
	mutex_fini(&login->lock);
	free(login);
}

static void *reading_thread(void *arg)
{
	struct registry_login *login = arg;
	struct credentials credentials = { 0 };
	struct error err = { 0 };

	credentials_load(login->auth_key, login->repository, &credentials,
			 &err);
	mutex_lock(&login->lock);
	assert(!login->is_loaded);
	login->credentials = credentials;
	login->err = err;
	login->is_loaded = true;
	mutex_unlock(&login->lock);
	login->loaded(login->arg);
	return NULL;
}

static int start_locked(struct registry_login *login) REQUIRES(login->lock)
{
	int r;

	if (login->is_stopped)
		return -ECANCELED;
	assert(!login->has_thread);
	r = thread_start(&login->thread, "credentials", reading_thread, login);
	login->has_thread = r == 0;
	return r;
}

int registry_login_start(struct registry_login *login)
{
	int r;

	mutex_lock(&login->lock);
	r = start_locked(login);
	mutex_unlock(&login->lock);
	return r;
}

static bool take_thread_locked(struct registry_login *login, pthread_t *ret)
	REQUIRES(login->lock)
{
	bool has_thread = login->has_thread;

	login->has_thread = false;
	*ret = login->thread;
	return has_thread;
}

bool registry_login_take(struct registry_login *login, struct credentials *ret,
			 struct error *ret_err)
{
	bool has_thread = false;
	pthread_t thread;
	bool is_loaded;

	mutex_lock(&login->lock);
	is_loaded = login->is_loaded;
	if (is_loaded) {
		*ret = login->credentials;
		*ret_err = login->err;
		login->credentials = (struct credentials){ 0 };
		login->is_loaded = false;
		has_thread = take_thread_locked(login, &thread);
	}
	mutex_unlock(&login->lock);
	if (has_thread)
		pthread_join(thread, NULL); /* it has but to return */
	return is_loaded;
}

void registry_login_stop(struct registry_login *login)
{
	bool has_thread;
	pthread_t thread;

	mutex_lock(&login->lock);
	login->is_stopped = true;
	has_thread = take_thread_locked(login, &thread);
	mutex_unlock(&login->lock);
	if (has_thread)
		pthread_join(thread, NULL);
}
