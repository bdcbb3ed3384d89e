/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/job_package.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "fetch/chunk_loader.h"
#include "fetch/chunk_pace.h"
#include "fetch/chunk_touches.h"
#include "fetch/http_client.h"
#include "index/index_file.h"
#include "index/python_package.h"
#include "tools/session.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of chunks: more than such a size can have. */
enum { CHUNKS_SIZE_MAX = 1 << 20 };

void job_package_start(struct job_package *package, struct session *session,
		       const char *mode)
{
	struct index_figures figures;

	if (mode && strcmp(mode, "off") == 0)
		return;
	index_file_get_figures(session_index(session), &figures);
	package->session = session;
	package->inode_count = figures.inode_count;
	package->seen = calloc((size_t)figures.inode_count / 8 + 1, 1);
}

void job_package_fini(struct job_package *package)
{
	free(package->seen);
	package->seen = NULL;
}

/* Return: whether nobody did before. */
static bool see(struct job_package *package, uint32_t dir)
{
	uint8_t bit = (uint8_t)(1u << (dir % 8));

	if (dir > package->inode_count)
		return false;
	return !(__atomic_fetch_or(&package->seen[dir / 8], bit,
				   __ATOMIC_RELAXED) &
		 bit);
}

/* Stored bytes that are worth a guess: none on a near link, or beside what
 * knows better. */
static uint64_t allowed_size(const struct job_package *package)
{
	struct http_client *http = session_http_client(package->session);
	struct chunk_touches_counters touched;
	struct http_client_counters link;
	uint64_t size;

	if (!http)
		return 0;
	http_client_get_counters(http, &link);
	chunk_touches_get_counters(session_touches(package->session), &touched);
	if (link.rtt_us < CHUNK_PACE_NEAR_US || touched.expected > 0)
		return 0;
	size = link.body_rate / JOB_PACKAGE_LINK_SHARE;
	return size < JOB_PACKAGE_SIZE_MAX ? size : JOB_PACKAGE_SIZE_MAX;
}

void job_package_observe(struct job_package *package, uint32_t inode)
{
	struct buffer chunks CLEANUP(buffer_fini) =
		BUFFER_INIT(CHUNKS_SIZE_MAX);
	const struct index_file *index;
	uint64_t size;
	uint32_t dir;

	if (!package->seen)
		return;
	index = session_index(package->session);
	if (!python_package_find(index, inode, &dir) || !see(package, dir))
		return;
	size = allowed_size(package);
	if (size == 0)
		return;
	/* out of memory, what is there is asked for */
	(void)python_package_gather(index, dir, size, &chunks);
	chunk_loader_prefetch_many(session_loader(package->session),
				   (const uint32_t *)(const void *)chunks.data,
				   (uint32_t)(chunks.size / sizeof(uint32_t)),
				   CHUNK_READ_AHEAD);
}
