/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * timer_list: calls to be made later, in the order they fall due.
 *
 * Threads: none of its own; the owner's lock protects it.
 */
#include <stdint.h>

struct timer {
	struct timer *prev;
	struct timer *next;
	int64_t due_ms; /* on clock_ms()'s clock */
	void (*fn)(void *arg);
	void *arg;
};

struct timer_list {
	struct timer *first; /* earliest; owned */
	unsigned count;
};

/** timer_list_add() - take over a malloc'ed timer; behind others of its time */
void timer_list_add(struct timer_list *list, struct timer *timer);

/**
 * timer_list_take() - the next timer that is due
 * @ret_wait_ms: when none is due: until the next will be; untouched when there
 *               is none at all
 *
 * Return: a timer that the caller calls and frees, or NULL.
 */
struct timer *timer_list_take(struct timer_list *list, int64_t now_ms,
			      int64_t *ret_wait_ms);
