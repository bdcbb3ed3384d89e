/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * instance_key: which kept mount serves which job.
 *
 * A job may join a mount when the bytes are the same and the mount namespace it
 * would enter shows the same host. So the key is a hash of: this version of
 * lazyrun, the image's digest, the user's ids, and the mount and user
 * namespaces and the root directory of the process. A job in a container, in a
 * batch system's private /tmp or under another primary group has another key.
 *
 * Threads: any.
 */
struct digest;
struct error;

enum {
	INSTANCE_KEY_SIZE = 32 + 1, /* hex digits and NUL */
	INSTANCE_NODE_SIZE = 8 + 1,
};

/**
 * instance_key_format() - the key of @image for this process
 *
 * Return: 0, or negative errno (no /proc) with @err.
 */
int instance_key_format(const struct digest *image, char ret[INSTANCE_KEY_SIZE],
			struct error *err);

/** instance_key_format_node() - a name of this node: the
 * directory may be shared with others */
void instance_key_format_node(char ret[INSTANCE_NODE_SIZE]);
