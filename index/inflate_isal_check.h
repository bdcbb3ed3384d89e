/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * inflate_isal_check: does the ISA-L that is loaded stop where we think?
 */
#include <stdbool.h>

/**
 * inflate_isal_check() - cut a built-in stream by ISA-L and by zlib, compare
 *
 * Takes a few milliseconds the first time in a process, nothing later.  Any
 * thread.  Out of memory counts as a failed check.
 */
bool inflate_isal_check(void);
