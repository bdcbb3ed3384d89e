/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * instance_message: what an instance and those who ask it say to each other.
 *
 * One request and one answer over a SOCK_SEQPACKET socket; after a join the
 * connection stays open as long as the job lives, and the instance may send it
 * signals for the job.  When it breaks without a farewell, the instance kills
 * what is marked. Both are lazyrun of one user on one node; versions that
 * do not know each other hang up.
 *
 * Threads: one at a time on each end.
 */
#include "common/digest.h"

#include <stdint.h>

struct error;

enum {
	INSTANCE_MESSAGE_MAGIC =
		0x4c5a4933, /* "LZI3"; changes with the bytes */
	INSTANCE_MESSAGE_TEXT_MAX = 16 << 10,
	INSTANCE_MESSAGE_TIMEOUT_MS = 2000,
};

enum instance_verb {
	INSTANCE_JOIN_IMAGE = 1, /* answer: with a descriptor, run_target's */
	INSTANCE_JOIN_ROOT,	 /* the same */
	INSTANCE_TELL,		 /* answer: text, JSON */
	INSTANCE_STOP,		 /* answer: once it is on its way */
	INSTANCE_MARK,		 /* no answer; with run_mark_fn's descriptor */
	INSTANCE_FAREWELL,	 /* no answer: the job has ended by itself */
	INSTANCE_COMMAND,	 /* no answer; with text: what the job will
				    execute, each word ended by NUL */
	INSTANCE_OFFER,		 /* no answer; with run_offer_fn's descriptor,
				    of the key it joined with */
};

struct instance_request {
	uint32_t magic;
	uint32_t verb;		/* enum instance_verb */
	int32_t signal;		/* STOP: for the jobs first; 0: none */
	uint32_t grace_ms;	/* STOP: before SIGKILL */
	uint32_t flags;		/* COMMAND: enum instance_ahead_flags */
	uint32_t text_size;	/* of what follows; COMMAND */
	struct digest root_key; /* JOIN_IMAGE: root_key.h; zero: none */
};

struct instance_answer {
	uint32_t magic;
	int32_t code; /* 0 or negative errno */
	uint8_t has_pid_namespace;
	uint8_t has_ipc_namespace;
	uint8_t is_ready; /* JOIN_IMAGE: the descriptor is of RUN_JOIN_READY */
	uint8_t padding;
	uint32_t text_size; /* of what follows */
};

/** instance_message_send() - one packet of two parts; @fd -1: none, @text may
 * be NULL. Never waits. Return: 0, -EAGAIN, -EPIPE, other negative errno */
int instance_message_send(int socket, const void *head, uint32_t head_size,
			  const char *text, uint32_t text_size, int fd);

/**
 * instance_message_ask() - send a request, wait for its answer
 * @ret_fd:   the descriptor that came with it, or -1; the caller's
 * @ret_text: malloc'ed, NUL-ended; NULL without a text; may be NULL
 *
 * Return: 0; what the instance answered; -ETIMEDOUT; -ECONNRESET (it hung up);
 * -EPROTO (another version); -ENOMEM.
 */
int instance_message_ask(int socket, const struct instance_request *request,
			 struct instance_answer *ret, int *ret_fd,
			 char **ret_text);

/**
 * instance_message_take() - a request that has come
 * @ret_text: its text, ended by NUL
 * @ret_fd:   the caller's, or -1
 *
 * Return: 0, -EAGAIN, -ECONNRESET, -EPROTO, other negative errno.
 */
int instance_message_take(int socket, struct instance_request *ret,
			  char ret_text[INSTANCE_MESSAGE_TEXT_MAX + 1],
			  int *ret_fd);

/** instance_message_tell() - a request that has no answer; @fd -1: none.  Never
 * waits.  Return: as instance_message_send() */
int instance_message_tell(int socket, enum instance_verb verb, int fd);
