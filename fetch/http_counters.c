/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http_counters.h"

#include "fetch/curl_library.h"
#include "fetch/http_transfer.h"

enum {
	RATE_BODY_SIZE_MIN = 64 << 10,
	RATE_TIME_US_MIN = 1000,
};

static void count_up(uint64_t *counter, uint64_t by)
{
	__atomic_fetch_add(counter, by, __ATOMIC_RELAXED);
}

void http_counters_note_start(struct http_client_counters *counters,
			      const struct http_transfer *transfer)
{
	count_up(&counters->requests, 1);
	if (transfer->has_range)
		count_up(&counters->range_requests, 1);
}

/* What is in the kernel's buffers when we come to read it says nothing: hence
 * the least time. */
static void note_rate(struct http_client_counters *counters,
		      const struct http_transfer *transfer)
{
	uint64_t size = http_transfer_body_size(transfer);
	uint64_t *average = &counters->body_rate;
	curl_off_t first_us = 0;
	curl_off_t end_us = 0;
	uint64_t rate;

	if (size < RATE_BODY_SIZE_MIN)
		return;
	CURL_LIBRARY_GETINFO(transfer->curl, transfer->easy,
			     CURLINFO_STARTTRANSFER_TIME_T, &first_us);
	CURL_LIBRARY_GETINFO(transfer->curl, transfer->easy,
			     CURLINFO_TOTAL_TIME_T, &end_us);
	if (end_us - first_us < RATE_TIME_US_MIN)
		end_us = first_us + RATE_TIME_US_MIN;
	rate = size * 1000000 / (uint64_t)(end_us - first_us);
	/* faster is believed sooner: slow starts of TCP are many */
	if (*average && rate > *average)
		rate = *average / 2 + rate / 2;
	else if (*average)
		rate = *average - *average / 8 + rate / 8;
	__atomic_store_n(average, rate, __ATOMIC_RELAXED);
}

static void note_rtt(struct http_client_counters *counters,
		     const struct http_transfer *transfer)
{
	uint64_t *shortest = &counters->rtt_us;
	curl_off_t found_us = 0;
	curl_off_t open_us = 0;

	CURL_LIBRARY_GETINFO(transfer->curl, transfer->easy,
			     CURLINFO_NAMELOOKUP_TIME_T, &found_us);
	CURL_LIBRARY_GETINFO(transfer->curl, transfer->easy,
			     CURLINFO_CONNECT_TIME_T, &open_us);
	open_us -= found_us;
	if (open_us > 0 && (*shortest == 0 || (uint64_t)open_us < *shortest))
		__atomic_store_n(shortest, (uint64_t)open_us, __ATOMIC_RELAXED);
}

void http_counters_note_end(struct http_client_counters *counters,
			    const struct http_transfer *transfer)
{
	long connections = 0;

	CURL_LIBRARY_GETINFO(transfer->curl, transfer->easy,
			     CURLINFO_NUM_CONNECTS, &connections);
	count_up(&counters->connections, (uint64_t)connections);
	if (connections > 0)
		note_rtt(counters, transfer);
	note_rate(counters, transfer);
	count_up(&counters->body_bytes, http_transfer_body_size(transfer));
}

void http_counters_get(const struct http_client_counters *counters,
		       struct http_client_counters *ret)
{
	ret->requests = __atomic_load_n(&counters->requests, __ATOMIC_RELAXED);
	ret->body_bytes =
		__atomic_load_n(&counters->body_bytes, __ATOMIC_RELAXED);
	ret->range_requests =
		__atomic_load_n(&counters->range_requests, __ATOMIC_RELAXED);
	ret->body_rate =
		__atomic_load_n(&counters->body_rate, __ATOMIC_RELAXED);
	ret->rtt_us = __atomic_load_n(&counters->rtt_us, __ATOMIC_RELAXED);
	ret->connections =
		__atomic_load_n(&counters->connections, __ATOMIC_RELAXED);
}
