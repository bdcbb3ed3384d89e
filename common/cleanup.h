/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cleanup: variables that release what they hold at the end of their scope.
 *
 *	autofree char *name = NULL;
 *	autoclose int fd = -1;
 *	CLEANUP(index_file_closep) struct index_file *index = NULL;
 *
 * One variable per line, always initialised.  STEAL_PTR and STEAL_FD hand the
 * value on and leave the variable empty.  A cleanup variable and a goto never
 * share a function.
 */
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define autofree  CLEANUP(cleanup_free)
#define autoclose CLEANUP(cleanup_close)

/* DEFINE_CLEANUP(thing, thing_destroy) makes thing_destroyp for CLEANUP(). */
#define DEFINE_CLEANUP(type, function)                                         \
	static inline void function##p(type **pointer)                         \
	{                                                                      \
		function(*pointer);                                            \
	}                                                                      \
	struct cleanup_##function##_needs_semicolon

#define STEAL_PTR(pointer)                                                     \
	__extension__({                                                        \
		__typeof__(pointer) stolen_ = (pointer);                       \
		(pointer) = NULL;                                              \
		stolen_;                                                       \
	})

static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#define STEAL_FD(fd) steal_fd(&(fd))
