/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * clock: the monotonic clock, in the units that names end with.
 * Threads: any.
 */
#include <stdint.h>

/** clock_ms() - milliseconds since an arbitrary start; never goes back */
int64_t clock_ms(void);

/** clock_us() - microseconds since the same start */
int64_t clock_us(void);

/** clock_wall_s() - seconds since 1970, for what is stored on disk */
int64_t clock_wall_s(void);
