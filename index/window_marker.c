/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small deflate decoder (RFC 1951) that looks symbols up by FAST_BITS bits
 * and finds the few longer codes bit by bit: for 32 KiB of output, building
 * tables costs as much as using them, so they are small.
 */
#include "index/window_marker.h"

#include "common/le.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	CODE_BITS_MAX = 15,
	FAST_BITS = 10,
	LITERAL_COUNT = 288, /* literals, end of block, lengths */
	DISTANCE_COUNT = 32, /* 30 and 31 are never valid */
	PRECODE_COUNT = 19,
	END_OF_BLOCK = 256,
	LENGTH_COUNT = 29,
	MATCH_BITS_MAX = 15 + 5 + 15 + 13, /* two codes, their extra bits */
	DISTANCE_VALID = 30,
};

/* RFC 1951, section 3.2.5 */
static const uint16_t length_base[LENGTH_COUNT] = {
	3,  4,	5,  6,	7,  8,	9,  10, 11,  13,  15,  17,  19,	 23, 27,
	31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258
};
static const uint8_t length_extra[LENGTH_COUNT] = { 0, 0, 0, 0, 0, 0, 0, 0,
						    1, 1, 1, 1, 2, 2, 2, 2,
						    3, 3, 3, 3, 4, 4, 4, 4,
						    5, 5, 5, 5, 0 };
static const uint16_t distance_base[DISTANCE_VALID] = {
	1,    2,    3,	  4,	5,    7,    9,	  13,	 17,	25,
	33,   49,   65,	  97,	129,  193,  257,  385,	 513,	769,
	1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577
};
static const uint8_t distance_extra[DISTANCE_VALID] = {
	0, 0, 0, 0, 1, 1, 2, 2,	 3,  3,	 4,  4,	 5,  5,	 6,
	6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13
};

struct bits {
	const uint8_t *next;
	const uint8_t *end;
	uint64_t buffer; /* lowest bit first */
	unsigned count;	 /* bits in buffer that came from the input */
};

struct code {
	uint16_t fast[1 << FAST_BITS]; /* symbol << 4 | length; 0: longer */
	uint16_t counts[CODE_BITS_MAX + 1];
	uint16_t symbols[LITERAL_COUNT]; /* in the order of their codes */
};

struct marker {
	struct bits bits;
	struct code literals;
	struct code distances;
	size_t window_size;
	size_t raw_off;
	size_t raw_end; /* where decoding may stop */
	uint8_t *marks; /* borrowed */
	int marked_count;
};

/* At least 56 bits, unless the input ends.  Bits past its end are zero and
 * taking them fails, as they are not in count. */
static void refill(struct bits *bits)
{
	if (bits->end - bits->next >= 8) {
		bits->buffer |= le_load64(bits->next) << bits->count;
		bits->next += (63 - bits->count) >> 3;
		bits->count |= 56;
		return;
	}
	while (bits->count < 56 && bits->next < bits->end) {
		bits->buffer |= (uint64_t)*bits->next++ << bits->count;
		bits->count += 8;
	}
}

static bool drop(struct bits *bits, unsigned count)
{
	if (bits->count < count)
		return false;
	bits->buffer >>= count;
	bits->count -= count;
	return true;
}

/* The next @count (up to 16) bits, or -1; refilled before. */
static int take(struct bits *bits, unsigned count)
{
	int value = (int)(bits->buffer & ((1U << count) - 1));

	return drop(bits, count) ? value : -1;
}

static unsigned reverse(unsigned code, unsigned length)
{
	unsigned reversed = 0;

	for (unsigned i = 0; i < length; i++)
		reversed |= ((code >> i) & 1) << (length - 1 - i);
	return reversed;
}

/* Every index whose low bits are the code, which comes highest bit first */
static void fill_fast(struct code *code, unsigned bits, unsigned length,
		      uint16_t entry)
{
	for (unsigned i = reverse(bits, length); i < 1 << FAST_BITS;
	     i += 1U << length)
		code->fast[i] = entry;
}

/* RFC 1951, section 3.2.2.  False when there are more codes than bits. */
static bool build_code(struct code *code, const uint8_t *lengths, size_t count)
{
	uint16_t offs[CODE_BITS_MAX + 2] = { 0 };
	unsigned next[CODE_BITS_MAX + 2] = { 0 };
	int left = 1;

	memset(code->fast, 0, sizeof(code->fast));
	memset(code->counts, 0, sizeof(code->counts));
	for (size_t i = 0; i < count; i++)
		code->counts[lengths[i]]++;
	code->counts[0] = 0;
	for (unsigned i = 1; i <= CODE_BITS_MAX; i++) {
		left = left * 2 - code->counts[i];
		if (left < 0)
			return false;
		offs[i + 1] = offs[i] + code->counts[i];
		next[i + 1] = (next[i] + code->counts[i]) << 1;
	}
	for (unsigned i = 0; i < count; i++) {
		unsigned length = lengths[i];

		if (length)
			code->symbols[offs[length]++] = (uint16_t)i;
		if (length && length <= FAST_BITS)
			fill_fast(code, next[length]++, length,
				  (uint16_t)(i << 4 | length));
	}
	return true;
}

static int decode_slowly(struct bits *bits, const struct code *code)
{
	int value = 0;
	int first = 0;
	int off = 0;

	for (unsigned i = 1; i <= CODE_BITS_MAX; i++) {
		int count = code->counts[i];

		value |= (int)(bits->buffer >> (i - 1)) & 1;
		if (value - first < count)
			return drop(bits, i)
				       ? code->symbols[off + value - first]
				       : -1;
		off += count;
		first = (first + count) << 1;
		value <<= 1;
	}
	return -1;
}

/* The next symbol, or -1; at least 15 bits were refilled before. */
static int decode(struct bits *bits, const struct code *code)
{
	unsigned entry = code->fast[bits->buffer & ((1 << FAST_BITS) - 1)];

	if (entry == 0)
		return decode_slowly(bits, code);
	return drop(bits, entry & 15) ? (int)(entry >> 4) : -1;
}

static int mark(struct marker *marker, size_t length, size_t distance)
{
	size_t reach; /* how far before the span */
	size_t first;

	if (distance <= marker->raw_off)
		return 0;
	reach = distance - marker->raw_off;
	if (reach > marker->window_size)
		return -EBADMSG;
	if (length > reach)
		length = reach;
	first = marker->window_size - reach;
	for (size_t i = first; i < first + length; i++) {
		marker->marked_count += !marker->marks[i];
		marker->marks[i] = 0xff;
	}
	return 0;
}

/* Length and distance of one match, after its length symbol */
static int decode_match(struct marker *marker, int symbol)
{
	struct bits *bits = &marker->bits;
	int extra;
	int length;
	int r;

	symbol -= END_OF_BLOCK + 1;
	if (symbol >= LENGTH_COUNT)
		return -EBADMSG;
	extra = take(bits, length_extra[symbol]);
	length = length_base[symbol] + extra;
	symbol = decode(bits, &marker->distances);
	if (extra < 0 || symbol < 0 || symbol >= DISTANCE_VALID)
		return -EBADMSG;
	extra = take(bits, distance_extra[symbol]);
	if (extra < 0)
		return -EBADMSG;
	r = mark(marker, (size_t)length,
		 (size_t)distance_base[symbol] + (size_t)extra);
	marker->raw_off += (size_t)length;
	return r;
}

static int decode_coded_block(struct marker *marker)
{
	int symbol;
	int r;

	while (marker->raw_off < marker->raw_end) {
		if (marker->bits.count < MATCH_BITS_MAX)
			refill(&marker->bits);
		symbol = decode(&marker->bits, &marker->literals);
		if (symbol < 0)
			return -EBADMSG;
		if (symbol == END_OF_BLOCK)
			return 0;
		if (symbol < END_OF_BLOCK) {
			marker->raw_off++;
			continue;
		}
		r = decode_match(marker, symbol);
		if (r < 0)
			return r;
	}
	return 0;
}

static int skip_stored_block(struct marker *marker)
{
	struct bits *bits = &marker->bits;
	int size;
	int check;

	drop(bits, bits->count % 8);
	refill(bits);
	size = take(bits, 16);
	check = take(bits, 16);
	if (size < 0 || check < 0 || (size ^ check) != 0xffff)
		return -EBADMSG;
	/* Give whole bytes back, then step over the content. */
	bits->next -= bits->count / 8;
	bits->buffer = 0;
	bits->count = 0;
	if (size > bits->end - bits->next)
		return -EBADMSG;
	bits->next += size;
	marker->raw_off += (size_t)size;
	return 0;
}

static int use_fixed_codes(struct marker *marker)
{
	uint8_t lengths[LITERAL_COUNT];

	memset(lengths, 8, 144);
	memset(lengths + 144, 9, 256 - 144);
	memset(lengths + 256, 7, 280 - 256);
	memset(lengths + 280, 8, LITERAL_COUNT - 280);
	build_code(&marker->literals, lengths, LITERAL_COUNT);
	memset(lengths, 5, DISTANCE_COUNT);
	build_code(&marker->distances, lengths, DISTANCE_COUNT);
	return 0;
}

/* How often a precode symbol repeats its length, or -1 */
static int read_repeat(struct bits *bits, int symbol)
{
	static const uint8_t base[] = { 3, 3, 11 };
	static const uint8_t extra[] = { 2, 3, 7 };
	int more;

	if (symbol < 16)
		return 1;
	more = take(bits, extra[symbol - 16]);
	return more < 0 ? -1 : base[symbol - 16] + more;
}

/* The code lengths of both codes, in one run (section 3.2.7) */
static int read_lengths(struct bits *bits, const struct code *precode,
			uint8_t *lengths, int count)
{
	int symbol;
	int repeat;
	int length;

	for (int i = 0; i < count; i += repeat) {
		refill(bits);
		symbol = decode(bits, precode);
		if (symbol < 0 || (symbol == 16 && i == 0))
			return -EBADMSG;
		repeat = read_repeat(bits, symbol);
		if (repeat < 0 || repeat > count - i)
			return -EBADMSG;
		length = 0;
		if (symbol <= 16)
			length = symbol < 16 ? symbol : lengths[i - 1];
		memset(lengths + i, length, (size_t)repeat);
	}
	return 0;
}

static int read_codes(struct marker *marker)
{
	static const uint8_t order[PRECODE_COUNT] = { 16, 17, 18, 0,  8, 7,  9,
						      6,  10, 5,  11, 4, 12, 3,
						      13, 2,  14, 1,  15 };
	uint8_t lengths[LITERAL_COUNT + DISTANCE_COUNT] = { 0 };
	struct bits *bits = &marker->bits;
	int literal_count = 257 + take(bits, 5);
	int distance_count = 1 + take(bits, 5);
	int precode_count = 4 + take(bits, 4);
	int r;

	if (literal_count < 257 || distance_count < 1 || precode_count < 4 ||
	    literal_count > LITERAL_COUNT)
		return -EBADMSG;
	for (int i = 0; i < precode_count; i++) {
		refill(bits);
		r = take(bits, 3);
		if (r < 0)
			return -EBADMSG;
		lengths[order[i]] = (uint8_t)r;
	}
	/* The literals' table serves the precode first. */
	if (!build_code(&marker->literals, lengths, PRECODE_COUNT))
		return -EBADMSG;
	r = read_lengths(bits, &marker->literals, lengths,
			 literal_count + distance_count);
	if (r < 0)
		return r;
	if (!build_code(&marker->literals, lengths, (size_t)literal_count) ||
	    !build_code(&marker->distances, lengths + literal_count,
			(size_t)distance_count))
		return -EBADMSG;
	return 0;
}

/* 1 when it was the last block, 0, -EBADMSG */
static int decode_block(struct marker *marker)
{
	int is_final;
	int type;
	int r;

	refill(&marker->bits);
	is_final = take(&marker->bits, 1);
	type = take(&marker->bits, 2);
	if (is_final < 0 || type < 0 || type > 2)
		return -EBADMSG;
	if (type == 0) {
		r = skip_stored_block(marker);
	} else {
		r = type == 1 ? use_fixed_codes(marker) : read_codes(marker);
		if (r == 0)
			r = decode_coded_block(marker);
	}
	return r < 0 ? r : is_final;
}

int window_marker_mark(const struct window_marker_span *span,
		       uint8_t *ret_marks)
{
	struct marker marker = { .window_size = span->window_size,
				 .raw_end = span->raw_size,
				 .marks = ret_marks };
	int r = 0;

	assert(span->start_bit < 8);
	assert(span->window_size <= WINDOW_MARKER_SIZE);
	memset(ret_marks, 0, span->window_size);
	if (marker.raw_end > WINDOW_MARKER_SIZE)
		marker.raw_end = WINDOW_MARKER_SIZE;
	marker.bits.next = span->stored;
	marker.bits.end = span->stored + span->stored_size;
	refill(&marker.bits);
	drop(&marker.bits, span->start_bit);
	while (r == 0 && marker.raw_off < marker.raw_end)
		r = decode_block(&marker);
	if (r < 0)
		return r;
	return marker.raw_off < marker.raw_end ? -EBADMSG : marker.marked_count;
}
