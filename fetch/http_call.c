/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http_call.h"

#include <assert.h>

void http_call_init(struct http_call *call)
{
	*call = (struct http_call){ 0 };
	mutex_init(&call->lock);
	condition_init(&call->is_over);
}

void http_call_fini(struct http_call *call)
{
	condition_fini(&call->is_over);
	mutex_fini(&call->lock);
}

void http_call_end(struct http_call *call, int result, const struct error *err)
{
	mutex_lock(&call->lock);
	assert(!call->has_ended);
	call->has_ended = true;
	call->result = result;
	if (result < 0)
		call->err = *err;
	condition_signal(&call->is_over);
	mutex_unlock(&call->lock);
}

int http_call_wait(struct http_call *call, struct error *err)
{
	int r;

	mutex_lock(&call->lock);
	while (!call->has_ended)
		condition_wait(&call->is_over, &call->lock);
	r = call->result;
	if (r < 0 && err)
		*err = call->err;
	mutex_unlock(&call->lock);
	return r;
}
