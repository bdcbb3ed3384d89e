/* SPDX-License-Identifier: Apache-2.0 */
#include "common/thread.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

/* The bodies lock through pthreads, which the checker does not know. */
#define UNCHECKED THREAD_ANNOTATION(no_thread_safety_analysis)

void mutex_init(struct mutex *mutex)
{
	int r = pthread_mutex_init(&mutex->handle, NULL);

	assert(r == 0);
	(void)r;
}

void mutex_fini(struct mutex *mutex)
{
	pthread_mutex_destroy(&mutex->handle);
}

void UNCHECKED mutex_lock(struct mutex *mutex)
{
	int r = pthread_mutex_lock(&mutex->handle);

	assert(r == 0);
	(void)r;
}

void UNCHECKED mutex_unlock(struct mutex *mutex)
{
	int r = pthread_mutex_unlock(&mutex->handle);

	assert(r == 0);
	(void)r;
}

void condition_init(struct condition *condition)
{
	pthread_condattr_t attr;
	int r;

	r = pthread_condattr_init(&attr);
	assert(r == 0);
	r = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	assert(r == 0);
	r = pthread_cond_init(&condition->handle, &attr);
	assert(r == 0);
	pthread_condattr_destroy(&attr);
	(void)r;
}

void condition_fini(struct condition *condition)
{
	pthread_cond_destroy(&condition->handle);
}

void UNCHECKED condition_wait(struct condition *condition, struct mutex *mutex)
{
	pthread_cond_wait(&condition->handle, &mutex->handle);
}

bool UNCHECKED condition_wait_until(struct condition *condition,
				    struct mutex *mutex, int64_t deadline_ms)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline_ms / 1000),
		.tv_nsec = (long)(deadline_ms % 1000) * 1000000,
	};

	return pthread_cond_timedwait(&condition->handle, &mutex->handle,
				      &until) != ETIMEDOUT;
}

void condition_signal(struct condition *condition)
{
	pthread_cond_signal(&condition->handle);
}

void condition_broadcast(struct condition *condition)
{
	pthread_cond_broadcast(&condition->handle);
}

int thread_start(pthread_t *ret, const char *name, void *(*body)(void *),
		 void *arg)
{
	char short_name[16];
	sigset_t all;
	sigset_t before;
	int r;

	snprintf(short_name, sizeof(short_name), "%s", name);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	r = pthread_create(ret, NULL, body, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return -r;
	pthread_setname_np(*ret, short_name);
	return 0;
}
