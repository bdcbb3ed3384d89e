/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * inflate_isal: the faster inflater (1.3 to 2 times zlib's speed), on ISA-L.
 *
 * ISA-L has no way to stop at the end of a block; stopping leans on members of
 * its struct inflate_state that are public but not documented.  So the library
 * that is loaded has to show first that they mean what they meant: a built-in
 * stream is cut by both inflaters and compared, once per process.
 */
struct inflater;

/**
 * inflate_isal_create() - an inflater, where ISA-L can be one
 *
 * Return: 0, -ENOTSUP (not built in, not installed, or the check failed: use
 * inflate_zlib_create()), -ENOMEM.
 */
int inflate_isal_create(struct inflater **ret);

/**
 * inflate_isal_create_unchecked() - without the check; for the check itself
 *
 * Return: 0, -ENOTSUP (not built in, not installed), -ENOMEM.
 */
int inflate_isal_create_unchecked(struct inflater **ret);
