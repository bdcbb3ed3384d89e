/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * thread: mutexes that clang's -Wthread-safety can check, and conditions with
 * deadlines on the monotonic clock.
 *
 * Fields that a lock protects are marked GUARDED (clang's guarded_var: gcc
 * ignores it); functions say REQUIRES(lock) or EXCLUDES(lock).  Locks are
 * leaves: never held across I/O, a callback or another module's call.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__clang__)
#define THREAD_ANNOTATION(x) __attribute__((x))
#else
#define THREAD_ANNOTATION(x)
#endif
#define GUARDED	      THREAD_ANNOTATION(guarded_var)
#define REQUIRES(...) THREAD_ANNOTATION(exclusive_locks_required(__VA_ARGS__))
#define EXCLUDES(...) THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...)  THREAD_ANNOTATION(exclusive_lock_function(__VA_ARGS__))
#define RELEASE(...)  THREAD_ANNOTATION(unlock_function(__VA_ARGS__))

struct THREAD_ANNOTATION(lockable) mutex {
	pthread_mutex_t handle;
};

struct condition {
	pthread_cond_t handle; /* on CLOCK_MONOTONIC */
};

void mutex_init(struct mutex *mutex);
void mutex_fini(struct mutex *mutex);
void mutex_lock(struct mutex *mutex) ACQUIRE(*mutex);
void mutex_unlock(struct mutex *mutex) RELEASE(*mutex);

void condition_init(struct condition *condition);
void condition_fini(struct condition *condition);
void condition_wait(struct condition *condition, struct mutex *mutex)
	REQUIRES(*mutex);

/**
 * condition_wait_until() - wait, at most until a time
 * @deadline_ms: on clock_ms()'s clock
 *
 * Return: false when the deadline passed.  Spurious returns are possible
 * either way: wait in a loop on the state itself.
 */
bool condition_wait_until(struct condition *condition, struct mutex *mutex,
			  int64_t deadline_ms) REQUIRES(*mutex);
void condition_signal(struct condition *condition);
void condition_broadcast(struct condition *condition);

/**
 * thread_start() - start a thread with all signals blocked
 * @name: shown by ps and gdb; cut to 15 bytes
 *
 * Return: 0 or -EAGAIN.
 */
int thread_start(pthread_t *ret, const char *name, void *(*body)(void *),
		 void *arg);
