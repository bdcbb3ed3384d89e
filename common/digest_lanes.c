/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instructions keep a state as two registers, ABEF and CDGH, and take four
 * rounds' message words at a time.
 */
#include "common/digest_lanes.h"

#include "common/cpu.h"

#include <assert.h>

#if defined(__x86_64__)

#include <immintrin.h>

#define LANE_CODE                                                              \
	static inline __attribute__((always_inline, target("sha,sse4.1")))

enum { QUAD_COUNT = 16 }; /* of rounds, four each */

/* FIPS 180-4 section 4.2.2 */
static const uint32_t constants[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

struct lane {
	__m128i abef;
	__m128i cdgh;
	__m128i words[4]; /* the sixteen message words of the next rounds */
};

LANE_CODE void load_state(struct lane *lane, const uint32_t state[8])
{
	__m128i low = _mm_loadu_si128((const __m128i *)state);
	__m128i high = _mm_loadu_si128((const __m128i *)(state + 4));
	__m128i cdab = _mm_shuffle_epi32(low, 0xb1);
	__m128i efgh = _mm_shuffle_epi32(high, 0x1b);

	lane->abef = _mm_alignr_epi8(cdab, efgh, 8);
	lane->cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
}

LANE_CODE void store_state(const struct lane *lane, uint32_t state[8])
{
	__m128i feba = _mm_shuffle_epi32(lane->abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(lane->cdgh, 0xb1);

	_mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(state + 4),
			 _mm_alignr_epi8(dchg, feba, 8));
}

/* Message words are big endian. */
LANE_CODE void load_block(struct lane *lane, const uint8_t *block)
{
	const __m128i order =
		_mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);

	for (unsigned i = 0; i < 4; i++)
		lane->words[i] = _mm_shuffle_epi8(
			_mm_loadu_si128((const __m128i *)(block + 16 * i)),
			order);
}

/* Four rounds, and the message words of the rounds sixteen later. */
LANE_CODE void run_quad(struct lane *lane, unsigned quad)
{
	__m128i *words = lane->words;
	__m128i sum = _mm_add_epi32(
		words[quad % 4],
		_mm_load_si128((const __m128i *)(constants + 4 * quad)));
	__m128i next;

	lane->cdgh = _mm_sha256rnds2_epu32(lane->cdgh, lane->abef, sum);
	lane->abef = _mm_sha256rnds2_epu32(lane->abef, lane->cdgh,
					   _mm_shuffle_epi32(sum, 0x0e));
	if (quad >= QUAD_COUNT - 4)
		return;
	next = _mm_sha256msg1_epu32(words[quad % 4], words[(quad + 1) % 4]);
	next = _mm_add_epi32(next, _mm_alignr_epi8(words[(quad + 3) % 4],
						   words[(quad + 2) % 4], 4));
	words[quad % 4] = _mm_sha256msg2_epu32(next, words[(quad + 3) % 4]);
}

LANE_CODE void add_state(struct lane *lane, const struct lane *before)
{
	lane->abef = _mm_add_epi32(lane->abef, before->abef);
	lane->cdgh = _mm_add_epi32(lane->cdgh, before->cdgh);
}

__attribute__((target("sha,sse4.1"))) void digest_lanes_update(
	uint32_t a_state[8], const uint8_t *a, uint32_t b_state[8],
	const uint8_t *b, size_t count)
{
	struct lane lane_a;
	struct lane lane_b;

	assert(a_state != b_state);
	load_state(&lane_a, a_state);
	load_state(&lane_b, b_state);
	for (; count > 0; count--) {
		const struct lane before_a = lane_a;
		const struct lane before_b = lane_b;

		load_block(&lane_a, a);
		load_block(&lane_b, b);
		/* unrolled, so that every index is known when compiling */
#pragma GCC unroll 16
		for (unsigned quad = 0; quad < QUAD_COUNT; quad++) {
			run_quad(&lane_a, quad);
			run_quad(&lane_b, quad);
		}
		add_state(&lane_a, &before_a);
		add_state(&lane_b, &before_b);
		a += DIGEST_LANES_BLOCK_SIZE;
		b += DIGEST_LANES_BLOCK_SIZE;
	}
	store_state(&lane_a, a_state);
	store_state(&lane_b, b_state);
}

bool digest_lanes_are_usable(void)
{
	return cpu_has_sha();
}

#else

bool digest_lanes_are_usable(void)
{
	return false;
}

void digest_lanes_update(uint32_t a_state[8], const uint8_t *a,
			 uint32_t b_state[8], const uint8_t *b, size_t count)
{
	(void)a_state;
	(void)a;
	(void)b_state;
	(void)b;
	(void)count;
	assert(!"only where digest_lanes_are_usable()");
}

#endif
