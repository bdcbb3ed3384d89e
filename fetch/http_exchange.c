/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http_exchange.h"

#include "common/clock.h"
#include "fetch/curl_library.h"
#include "fetch/http_response.h"
#include "fetch/http_transfer.h"

static int64_t time_of(const struct http_transfer *transfer, CURLINFO info)
{
	curl_off_t value = 0;

	CURL_LIBRARY_GETINFO(transfer->curl, transfer->easy, info, &value);
	return (int64_t)value;
}

void http_exchange_describe(const struct http_transfer *transfer,
			    struct http_exchange *ret)
{
	const int64_t now_us = clock_us();
	int64_t connected_us;
	int64_t first_byte_us;
	long connections = 0;

	*ret = (struct http_exchange){
		.url = transfer->url,
		.result = transfer->result,
		.has_range = transfer->has_range,
		.range_off = transfer->range_off,
		.range_size = transfer->range_size,
		.submitted_us = transfer->submitted_ms * 1000,
		.ended_us = now_us,
	};
	if (transfer->parts && transfer->has_head)
		ret->status = transfer->parts->response.status;
	ret->body_size = http_transfer_body_size(transfer);
	CURL_LIBRARY_GETINFO(transfer->curl, transfer->easy,
			     CURLINFO_NUM_CONNECTS, &connections);
	ret->has_opened_connection = connections > 0;
	/* libcurl counts from the moment that it was given the request */
	ret->started_us = now_us - time_of(transfer, CURLINFO_TOTAL_TIME_T);
	first_byte_us = time_of(transfer, CURLINFO_STARTTRANSFER_TIME_T);
	if (first_byte_us)
		ret->first_byte_us = ret->started_us + first_byte_us;
	connected_us = time_of(transfer, CURLINFO_APPCONNECT_TIME_T);
	if (!connected_us)
		connected_us = time_of(transfer, CURLINFO_CONNECT_TIME_T);
	if (ret->has_opened_connection && connected_us)
		ret->connected_us = ret->started_us + connected_us;
}
