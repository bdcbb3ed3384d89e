/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * bench_page: a benchmark as one HTML file that needs nothing beside it: the
 * table, bars, and a waterfall of one run of each kind, as SVG.
 */
#include <stddef.h>
#include <stdint.h>

struct bench_trace;
struct error;

/* One kind of start. */
struct bench_page_row {
	const char *name;
	const char *meaning;
	unsigned runs;
	double seconds; /* median, and the range */
	double seconds_min;
	double seconds_max;
	double began_seconds; /* until the command was executed; -1: not told */
	uint64_t bytes;	      /* medians */
	uint64_t requests;
	const struct bench_trace *trace; /* of one run; NULL: no waterfall */
};

struct bench_page {
	const char *image;
	const char *command; /* as one text */
	uint64_t image_bytes;
	const struct bench_page_row *rows;
	size_t row_count;
};

/**
 * bench_page_write() - write the file
 *
 * Whatever came from outside is escaped.  Return: 0, or the errno of open(2)
 * or write(2) with @err.
 */
int bench_page_write(const struct bench_page *page, const char *path,
		     struct error *err);
