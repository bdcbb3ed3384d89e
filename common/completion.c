/* SPDX-License-Identifier: Apache-2.0 */
#include "common/completion.h"

#include <assert.h>

void completion_init(struct completion *end)
{
	*end = (struct completion){ 0 };
	mutex_init(&end->lock);
	condition_init(&end->is_over);
}

void completion_fini(struct completion *end)
{
	condition_fini(&end->is_over);
	mutex_fini(&end->lock);
}

void completion_end(struct completion *end, int result, const struct error *err)
{
	mutex_lock(&end->lock);
	assert(!end->has_ended);
	end->has_ended = true;
	end->result = result;
	if (result < 0)
		end->err = *err;
	condition_signal(&end->is_over);
	mutex_unlock(&end->lock);
}

int completion_wait(struct completion *end, struct error *err)
{
	int r;

	mutex_lock(&end->lock);
	while (!end->has_ended)
		condition_wait(&end->is_over, &end->lock);
	r = end->result;
	if (r < 0 && err)
		*err = end->err;
	mutex_unlock(&end->lock);
	return r;
}
