/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http_client.h"

#include "common/completion.h"
#include "common/error.h"

struct answer {
	struct completion call;
	struct http_response *response; /* once the call has ended */
};

static void take_answer(void *arg, int result, struct http_response *response,
			const struct error *err)
{
	struct answer *answer = arg;

	answer->response = response;
	completion_end(&answer->call, result, err);
}

int http_client_call(struct http_client *client,
		     const struct http_request *request,
		     struct http_response **ret, struct error *err)
{
	struct http_request kept = *request;
	struct answer answer = { 0 };
	int r;

	kept.keeps_response = true;
	completion_init(&answer.call);
	r = http_client_submit(client, &kept, take_answer, &answer);
	if (r < 0)
		error_set_errno(err, r, "cannot start a request");
	else
		r = completion_wait(&answer.call, err);
	if (r == 0)
		*ret = answer.response;
	completion_fini(&answer.call);
	return r;
}
