/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fs_ops: libfuse's operations; their userdata is a struct fs_context.
 *
 * What is not there is answered by libfuse with ENOSYS, which the kernel
 * remembers for the mount: docs/filesystem.md says what that saves.
 */
struct fuse_lowlevel_ops;

/** fs_ops_table() - constant */
const struct fuse_lowlevel_ops *fs_ops_table(void);
