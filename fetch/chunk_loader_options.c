/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/chunk_loader_options.h"

#include "fetch/chunk_crew.h"
#include "fetch/range_source.h"

#include <unistd.h>

enum {
	WORKERS_DEFAULT_MAX = 4,
	/* stored to decoded, for what read-ahead may take of the memory */
	RAW_PER_STORED = 4,
};

static const struct chunk_loader_options defaults = {
	.memory_size = 24 << 20,
	.flight_size_max = 16 << 20,
	.request_size_max = 2 << 20,
	.profile_request_size_max = 4 << 20,
	.gap_size_max = 64 << 10,
	.requests_max = 8,
	.deadline_ms = 120000,
	.read_ahead_requests = 4,
};

struct chunk_loader_options chunk_loader_options_complete(
	const struct chunk_loader_options *given)
{
	struct chunk_loader_options all =
		given ? *given : (struct chunk_loader_options){ 0 };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

#define DEFAULT(field) all.field = all.field ? all.field : defaults.field
	DEFAULT(memory_size);
	DEFAULT(flight_size_max);
	DEFAULT(request_size_max);
	DEFAULT(profile_request_size_max);
	DEFAULT(gap_size_max);
	DEFAULT(requests_max);
	DEFAULT(deadline_ms);
	DEFAULT(read_ahead_requests);
#undef DEFAULT
	if (all.request_size_max > RANGE_SIZE_MAX)
		all.request_size_max = RANGE_SIZE_MAX;
	if (all.profile_request_size_max > RANGE_SIZE_MAX)
		all.profile_request_size_max = RANGE_SIZE_MAX;
	if (all.worker_count == 0)
		all.worker_count = cores < 1 ? 1
				   : cores > WORKERS_DEFAULT_MAX
					   ? WORKERS_DEFAULT_MAX
					   : (unsigned)cores;
	if (all.worker_count > CHUNK_CREW_WORKERS_MAX)
		all.worker_count = CHUNK_CREW_WORKERS_MAX;
	return all;
}

unsigned chunk_loader_options_read_ahead_max(
	const struct chunk_loader_options *options, bool has_cache)
{
	size_t fitting = options->memory_size /
			 (options->request_size_max * RAW_PER_STORED);

	if (has_cache || fitting >= options->read_ahead_requests)
		return options->read_ahead_requests;
	return fitting > 0 ? (unsigned)fitting : 1;
}
