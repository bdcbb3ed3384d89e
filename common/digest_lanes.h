/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * digest_lanes: the blocks of two SHA-256 digests hashed side by side.
 *
 * A round of SHA-256 waits for the one before it, and a CPU with SHA
 * instructions spends half of its time in that wait.  The rounds of a second,
 * independent digest fit into it: two digests take 0.53 of the time that they
 * take one after the other (AMD EPYC, 2.66 against 1.41 GB/s).  No library that
 * Debian has offers it: OpenSSL's multi-block code is internal to its TLS.
 *
 * Algorithm: FIPS 180-4 section 6.2; instructions: Intel SDM, SHA256RNDS2,
 * SHA256MSG1, SHA256MSG2.  The tests compare with OpenSSL's.
 *
 * Threads: any; no shared state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_LANES_BLOCK_SIZE = 64 };

/** digest_lanes_are_usable() - whether this CPU has the instructions */
bool digest_lanes_are_usable(void);

/**
 * digest_lanes_update() - hash @count blocks into each of two states
 * @a_state, @b_state: eight words H0 to H7 each, two different arrays
 * @a, @b:             @count * DIGEST_LANES_BLOCK_SIZE bytes each, at any
 *                     address; they may overlap
 *
 * Only where digest_lanes_are_usable().
 */
void digest_lanes_update(uint32_t a_state[8], const uint8_t *a,
			 uint32_t b_state[8], const uint8_t *b, size_t count);
