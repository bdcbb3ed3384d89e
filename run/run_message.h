/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run_message: what caller and runner say to each other over a socket pair.
 *
 * A message is a type, a size and a body; one descriptor may come with it.
 * Both ends are the same program, so the bytes are in its own layout.
 *
 * The runner's end closes on exec: after RUN_MESSAGE_EXECUTING, the end of the
 * stream means that the command runs.
 *
 * Threads: one at a time on each end.
 */
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;

enum {
	RUN_MESSAGE_SIZE_MAX = 16 << 20, /* argv and environment: 6 MiB at most
					    on Linux, the rest for binds */
};

enum run_message_type {
	RUN_MESSAGE_MOUNTED =
		1,		 /* runner, unless it joins: ready for a job;
				    with the FUSE descriptor when there is one */
	RUN_MESSAGE_LAYER,	 /* runner, before that: the FUSE descriptor of
				    a layer (run_layer.h) */
	RUN_MESSAGE_TARGET,	 /* caller: struct run_message_target; with a
				    descriptor when it is to join */
	RUN_MESSAGE_JOB,	 /* caller: the body is run_spec's */
	RUN_MESSAGE_FORKED,	 /* runner: an int32_t, the pid that takes over;
				     the sender exits soon */
	RUN_MESSAGE_ENVIRONMENT, /* runner: that of a job without a command,
				    each variable ended by NUL */
	RUN_MESSAGE_ROOT,	 /* runner: with what a run_offer_fn gets */
	RUN_MESSAGE_EXECUTING,	 /* runner: execve() comes next; with the
				    namespace that run_guard.h calls a mark */
	RUN_MESSAGE_FAILED,	 /* runner: struct run_message_failure */
};

struct run_message_target {
	int32_t kind; /* enum run_join; 0: mount */
	uint8_t has_pid_namespace;
	uint8_t has_ipc_namespace;
	uint8_t offers_root;
};

struct run_message_failure {
	int32_t code;	   /* negative errno */
	int32_t exit_code; /* RUN_EXIT_* */
	char text[1024];   /* a sentence */
};

/**
 * run_message_send() - send one message whole
 * @fd: a descriptor to go with it, or -1
 *
 * Return: 0, -EPIPE (the other end is gone), -EFBIG, other negative errno.
 */
int run_message_send(int socket, enum run_message_type type, const void *body,
		     size_t size, int fd);

/**
 * run_message_receive() - wait for one message
 * @body:       emptied, then filled
 * @timeout_ms: for its first byte; -1: none.  What follows must come within
 *              ten seconds.
 * @ret_fd:     a descriptor that came with it (CLOEXEC), else -1; may be NULL
 *
 * Return: 0, -ECONNRESET (the stream ended), -ETIMEDOUT, -EPROTO, -EFBIG,
 * -ENOMEM, other negative errno.
 */
int run_message_receive(int socket, int timeout_ms, struct buffer *body,
			enum run_message_type *ret_type, int *ret_fd);

/** run_message_fail() - tell the caller what went wrong; failures to do so
 * are passed over */
void run_message_fail(int socket, const struct error *err, int exit_code);
