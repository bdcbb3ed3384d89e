/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an index: once as they are, once with all checksums made
 * right, so that what lies behind them is reached.  index_maker_walk() calls
 * every accessor and asserts their promises.
 *
 * The corpus has a packed index, one with hints, one whose sections are plain
 * although it may pack them (small, and open to the fuzzer's changes), and one
 * of no layers.
 */
#include "common/cleanup.h"
#include "index/index_file.h"
#include "index/index_writer.h"
#include "tests/support/index_maker.h"

#include <stdint.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_and_walk(int fd)
{
	CLEANUP(index_file_closep) struct index_file *index = NULL;

	if (index_file_open(fd, &index, NULL) == 0)
		index_maker_walk(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoclose int fd = index_maker_from_bytes(data, size);
	autoclose int to = memfd_create("to", MFD_CLOEXEC);

	open_and_walk(fd);
	index_maker_reseal(fd);
	open_and_walk(fd);
	index_writer_repack(fd, to, false, NULL);
	return 0;
}
