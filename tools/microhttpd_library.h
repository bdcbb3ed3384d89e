/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * microhttpd_library: libmicrohttpd, loaded by `lazyrun serve`.
 *
 * Threads: any.
 */
#include "common/shared_library.h"

#include <microhttpd.h>

struct error;

/* What tools/ uses. */
#define MICROHTTPD_LIBRARY_FUNCTIONS(X)                                        \
	X(MHD_add_response_header)                                             \
	X(MHD_create_response_from_buffer)                                     \
	X(MHD_create_response_from_callback)                                   \
	X(MHD_create_response_from_fd_at_offset64)                             \
	X(MHD_destroy_response)                                                \
	X(MHD_lookup_connection_value)                                         \
	X(MHD_queue_response)                                                  \
	X(MHD_start_daemon)                                                    \
	X(MHD_stop_daemon)

struct microhttpd_library {
	MICROHTTPD_LIBRARY_FUNCTIONS(SHARED_LIBRARY_MEMBER)
};

/**
 * microhttpd_library_load() - load it unless that is done
 * @ret: valid until the process ends
 *
 * Return: 0, -ELIBACC (as shared_library_load()).
 */
int microhttpd_library_load(const struct microhttpd_library **ret,
			    struct error *err);
