/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/session_http.h"

#include "fetch/chunk_pace.h"
#include "fetch/http_client.h"
#include "tools/session.h"
#include "tools/session_state.h"
#include "tools/trace.h"
#include "tools/user_agent.h"

int session_http_get(void *arg, struct http_client **ret, struct error *err)
{
	struct session *session = arg;
	struct http_client *http = session_http_client(session);
	char user_agent[USER_AGENT_SIZE];
	const struct http_client_options options = {
		.connections_per_host = 16,
		.user_agent = user_agent,
		.observed = session->trace ? trace_exchange : NULL,
		.observed_arg = session->trace,
	};
	int r;

	if (!http) {
		user_agent_format(user_agent);
		r = http_client_create(&options, &http, err);
		if (r < 0)
			return r;
		__atomic_store_n(&session->http, http, __ATOMIC_RELEASE);
	}
	*ret = http;
	return 0;
}

void session_http_get_link(void *arg, struct chunk_link *ret)
{
	struct http_client *http = session_http_client(arg);
	struct http_client_counters counters;

	if (!http)
		return;
	http_client_get_counters(http, &counters);
	ret->rtt_us = counters.rtt_us;
	ret->rate = counters.body_rate;
}

struct http_client *session_http_client(struct session *session)
{
	return __atomic_load_n(&session->http, __ATOMIC_ACQUIRE);
}
