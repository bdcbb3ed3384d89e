/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * inflate_zlib: the inflater that is always there, on zlib's documented
 * interface alone (Z_BLOCK, inflatePrime(), inflateSetDictionary()).
 */
struct inflater;

/** inflate_zlib_create() - Return: 0, -ENOMEM */
int inflate_zlib_create(struct inflater **ret);
