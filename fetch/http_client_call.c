/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http_client.h"

#include "common/error.h"
#include "fetch/http_call.h"

struct answer {
	struct http_call call;
	struct http_response *response; /* once the call has ended */
};

static void take_answer(void *arg, int result, struct http_response *response,
			const struct error *err)
{
	struct answer *answer = arg;

	answer->response = response;
	http_call_end(&answer->call, result, err);
}

int http_client_call(struct http_client *client,
		     const struct http_request *request,
		     struct http_response **ret, struct error *err)
{
	struct http_request kept = *request;
	struct answer answer = { 0 };
	int r;

	kept.keeps_response = true;
	http_call_init(&answer.call);
	r = http_client_submit(client, &kept, take_answer, &answer);
	if (r < 0)
		error_set_errno(err, r, "cannot start a request");
	else
		r = http_call_wait(&answer.call, err);
	if (r == 0)
		*ret = answer.response;
	http_call_fini(&answer.call);
	return r;
}
