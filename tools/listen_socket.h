/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * listen_socket: a TCP socket that listens.  Threads: any.
 */
#include <stdint.h>

struct error;

/**
 * listen_socket_open() - bind and listen; nonblocking, close-on-exec
 * @address:  numeric, IPv4 or IPv6
 * @port:     0: any that is free
 * @ret_fd:   the caller closes it
 * @ret_port: that it got
 *
 * Return: 0; -EINVAL (address); -EADDRINUSE, -EADDRNOTAVAIL, -EACCES and what
 * else bind says.
 */
int listen_socket_open(const char *address, uint16_t port, int *ret_fd,
		       uint16_t *ret_port, struct error *err);
