/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/timer_list.h"

#include <assert.h>
#include <stddef.h>
#include <utlist.h>

void timer_list_add(struct timer_list *list, struct timer *timer)
{
	struct timer *later;

	assert(timer->fn);
	list->count++;
	DL_FOREACH (list->first, later) {
		if (later->due_ms > timer->due_ms)
			break;
	}
	if (later)
		DL_PREPEND_ELEM(list->first, later, timer);
	else
		DL_APPEND(list->first, timer);
}

struct timer *timer_list_take(struct timer_list *list, int64_t now_ms,
			      int64_t *ret_wait_ms)
{
	struct timer *timer = list->first;

	if (!timer)
		return NULL;
	if (timer->due_ms > now_ms) {
		*ret_wait_ms = timer->due_ms - now_ms;
		return NULL;
	}
	assert(list->count > 0);
	DL_DELETE(list->first, timer);
	list->count--;
	return timer;
}
