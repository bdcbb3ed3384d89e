/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cpu: what the processor can.
 *
 * The dynamic linker has asked it already. To ask again costs a trap of some
 * five microseconds for each question in a virtual machine, and what gcc offers
 * (__builtin_cpu_supports()) asks ten in a constructor, at every start.
 *
 * Threads: any; no state.
 */
#include <features.h>
#include <stdbool.h>

#ifdef __x86_64__
#if __GLIBC_PREREQ(2, 33)
#include <sys/platform/x86.h>

static inline bool cpu_has_avx2(void)
{
	return CPU_FEATURE_ACTIVE(AVX2);
}

static inline bool cpu_has_sha(void)
{
	return CPU_FEATURE_ACTIVE(SHA) && CPU_FEATURE_ACTIVE(SSE4_1);
}

/** cpu_get_level() - N of x86-64-vN, as the psABI counts */
static inline unsigned cpu_get_level(void)
{
	if (!CPU_FEATURE_ACTIVE(SSE4_2) || !CPU_FEATURE_ACTIVE(SSSE3) ||
	    !CPU_FEATURE_ACTIVE(POPCNT))
		return 1;
	if (!CPU_FEATURE_ACTIVE(AVX2) || !CPU_FEATURE_ACTIVE(FMA) ||
	    !CPU_FEATURE_ACTIVE(BMI1) || !CPU_FEATURE_ACTIVE(BMI2))
		return 2;
	if (!CPU_FEATURE_ACTIVE(AVX512F) || !CPU_FEATURE_ACTIVE(AVX512BW) ||
	    !CPU_FEATURE_ACTIVE(AVX512CD) || !CPU_FEATURE_ACTIVE(AVX512DQ) ||
	    !CPU_FEATURE_ACTIVE(AVX512VL))
		return 3;
	return 4;
}

#else /* before glibc 2.33 */
#include <cpuid.h>

static inline bool cpu_has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

static inline bool cpu_has_sha(void)
{
	unsigned eax, ebx, ecx, edx;

	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) &&
	       (ebx & bit_SHA) && __builtin_cpu_supports("sse4.1");
}

static inline unsigned cpu_get_level(void)
{
	if (!__builtin_cpu_supports("sse4.2") ||
	    !__builtin_cpu_supports("ssse3") ||
	    !__builtin_cpu_supports("popcnt"))
		return 1;
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
	    !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2"))
		return 2;
	if (!__builtin_cpu_supports("avx512f") ||
	    !__builtin_cpu_supports("avx512bw") ||
	    !__builtin_cpu_supports("avx512cd") ||
	    !__builtin_cpu_supports("avx512dq") ||
	    !__builtin_cpu_supports("avx512vl"))
		return 3;
	return 4;
}
#endif
#endif
