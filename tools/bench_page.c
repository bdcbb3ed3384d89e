/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/bench_page.h"

#include "common/error.h"
#include "tools/bench_trace.h"
#include "tools/size_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	CHART_WIDTH = 900,
	WATERFALL_HEIGHT = 300,
	LABEL_HEIGHT = 14,
	LABELS_MAX = 7, /* one above the other */
	LABEL_WIDTH = 110,
	ROW_HEIGHT_MAX = 12,
};

static const char style[] =
	"body{font:15px/1.5 system-ui,sans-serif;color:#1c2733;max-width:960px;"
	"margin:2em auto;padding:0 1em}"
	"h1{font-size:1.35em;margin-bottom:.2em}h2{font-size:1.05em;margin:2em "
	"0 "
	".3em}"
	"code{background:#f1f4f7;padding:.1em .35em;border-radius:3px;"
	"overflow-wrap:anywhere}"
	"table{border-collapse:collapse;width:100%;margin:1em 0}"
	"td,th{padding:.35em .6em;text-align:right;border-bottom:1px solid "
	"#dfe5ea;white-space:nowrap}"
	"td:first-child,th:first-child{text-align:left;white-space:normal;"
	"width:34%}"
	"small,.key{color:#5b6875}svg{width:100%;height:auto;display:block}"
	"svg text{font:11px system-ui,sans-serif;fill:#5b6875}"
	"svg text.event{fill:#b3392b}"
	".bar{background:#3a8fd0;height:.9em;border-radius:2px;min-width:2px}"
	"td.graph{width:20%}.key i{display:inline-block;width:.8em;height:.8em;"
	"margin:0 .3em 0 1em;border-radius:2px}";

static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static void put_table(FILE *out, const struct bench_page *page)
{
	char size[SIZE_TEXT_MAX];
	double longest = 0;

	for (size_t i = 0; i < page->row_count; i++)
		if (page->rows[i].seconds > longest)
			longest = page->rows[i].seconds;
	fputs("<table><tr><th>start<th><th>seconds<th>range<th>command began"
	      "<th>fetched<th>requests<th>runs</tr>\n",
	      out);
	for (size_t i = 0; i < page->row_count; i++) {
		const struct bench_page_row *row = &page->rows[i];

		fputs("<tr><td>", out);
		put_escaped(out, row->name);
		fputs("<br><small>", out);
		put_escaped(out, row->meaning);
		fprintf(out,
			"</small><td class=graph><div class=bar "
			"style=\"width:%.1f%%\"></div><td>%.2f"
			"<td>%.2f&ndash;%.2f<td>",
			longest > 0 ? 100 * row->seconds / longest : 0,
			row->seconds, row->seconds_min, row->seconds_max);
		if (row->began_seconds >= 0)
			fprintf(out, "%.2f", row->began_seconds);
		fprintf(out, "<td>%s<td>%llu<td>%u</tr>\n",
			size_text_format(row->bytes, size),
			(unsigned long long)row->requests, row->runs);
	}
	fputs("</table>\n", out);
}

/* ---- the waterfall ---- */

struct scale {
	double px_per_ms;
	double row_height;
	double top; /* of the first request */
};

static void put_rect(FILE *out, const struct scale *scale, size_t row,
		     double from_ms, double to_ms, const char *colour)
{
	double width = (to_ms - from_ms) * scale->px_per_ms;

	if (from_ms < 0 || to_ms <= from_ms)
		return;
	fprintf(out,
		"<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" "
		"fill=\"%s\"/>",
		from_ms * scale->px_per_ms,
		scale->top + (double)row * scale->row_height,
		width < 0.5 ? 0.5 : width,
		scale->row_height > 2 ? scale->row_height - 1
				      : scale->row_height,
		colour);
}

static void put_requests(FILE *out, const struct bench_trace *trace,
			 const struct scale *scale)
{
	for (size_t i = 0; i < trace->request_count; i++) {
		const struct bench_request *request = &trace->requests[i];
		double answered = request->first_byte_ms >= 0
					  ? request->first_byte_ms
					  : request->ended_ms;

		put_rect(out, scale, i, request->queued_ms, request->started_ms,
			 "#d5dae0");
		put_rect(out, scale, i, request->started_ms, answered,
			 request->has_opened_connection ? "#e6b566"
							: "#9cc7ea");
		put_rect(out, scale, i, answered, request->ended_ms,
			 request->is_range ? "#1f5f99" : "#57927a");
		fputc('\n', out);
	}
}

static bool is_shown(const char *name)
{
	static const char *const hidden[] = { "end", "mounted" };

	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (strcmp(name, hidden[i]) == 0)
			return false;
	return true;
}

/* Labels that would touch go one above the other. */
static void put_events(FILE *out, const struct bench_trace *trace,
		       const struct scale *scale, double bottom)
{
	double last_px = -CHART_WIDTH;
	unsigned level = 0;

	for (size_t i = 0; i < trace->event_count; i++) {
		const struct bench_event *event = &trace->events[i];
		double px = event->ms * scale->px_per_ms;
		bool is_late = px > CHART_WIDTH - LABEL_WIDTH;
		double distance = px > last_px ? px - last_px : last_px - px;

		if (!is_shown(event->name))
			continue;
		level = distance < LABEL_WIDTH && level + 1 < LABELS_MAX
				? level + 1
				: 0;
		last_px = px;
		fprintf(out,
			"<path d=\"M%.2f %.0fV%.0f\" stroke=\"#b3392b\" "
			"stroke-width=\".8\"/><text class=event x=\"%.2f\" "
			"y=\"%.0f\"%s>",
			px, scale->top - LABEL_HEIGHT * (level + 1.0), bottom,
			is_late ? px - 3 : px + 3,
			scale->top - LABEL_HEIGHT * (double)level - 4,
			is_late ? " text-anchor=end" : "");
		put_escaped(out, event->name);
		fprintf(out, " %.0f</text>\n", event->ms);
	}
}

/* A line each 1, 2 or 5 times a power of ten, 4 to 10 of them. */
static void put_grid(FILE *out, const struct scale *scale, double end_ms,
		     double bottom)
{
	double step = 1;
	unsigned turn = 0;

	while (end_ms / step > 10) {
		step *= turn % 3 == 1 ? 2.5 : 2;
		turn++;
	}
	for (double ms = 0; ms <= end_ms; ms += step)
		fprintf(out,
			"<path d=\"M%.2f %.0fV%.0f\" stroke=\"#e3e6ea\"/>"
			"<text x=\"%.2f\" y=\"%.0f\">%.0f</text>\n",
			ms * scale->px_per_ms, scale->top, bottom,
			ms * scale->px_per_ms + 2, bottom + 12, ms);
}

static double end_of(const struct bench_trace *trace)
{
	double end_ms = 1;

	for (size_t i = 0; i < trace->event_count; i++)
		if (trace->events[i].ms > end_ms)
			end_ms = trace->events[i].ms;
	for (size_t i = 0; i < trace->request_count; i++)
		if (trace->requests[i].ended_ms > end_ms)
			end_ms = trace->requests[i].ended_ms;
	return end_ms;
}

static void put_waterfall(FILE *out, const struct bench_page_row *row)
{
	const struct bench_trace *trace = row->trace;
	const size_t count = trace->request_count ? trace->request_count : 1;
	const double end_ms = end_of(trace) * 1.01;
	struct scale scale = {
		.px_per_ms = CHART_WIDTH / end_ms,
		.row_height = (double)WATERFALL_HEIGHT / (double)count,
		.top = LABEL_HEIGHT * (LABELS_MAX + 1),
	};
	double bottom;

	if (scale.row_height > ROW_HEIGHT_MAX)
		scale.row_height = ROW_HEIGHT_MAX;
	bottom = scale.top + scale.row_height * (double)count + 4;
	fputs("<h2>", out);
	put_escaped(out, row->name);
	fprintf(out,
		"</h2>\n<svg viewBox=\"0 0 %d %.0f\" role=img "
		"aria-label=\"waterfall\">\n",
		CHART_WIDTH, bottom + LABEL_HEIGHT + 2);
	put_grid(out, &scale, end_ms, bottom);
	put_requests(out, trace, &scale);
	put_events(out, trace, &scale, bottom);
	fputs("</svg>\n", out);
}

static void put_page(FILE *out, const struct bench_page *page)
{
	char size[SIZE_TEXT_MAX];

	fputs("<!DOCTYPE html><html lang=en><meta charset=utf-8>"
	      "<meta name=viewport content=\"width=device-width\"><title>"
	      "lazyrun bench</title><style>",
	      out);
	fputs(style, out);
	fputs("</style>\n<h1>", out);
	put_escaped(out, page->image);
	fputs("</h1>\n<p><code>", out);
	put_escaped(out, page->command);
	fprintf(out, "</code><br><small>an image of %s; medians</small></p>\n",
		size_text_format(page->image_bytes, size));
	put_table(out, page);
	fputs("<p class=key>Requests, in the order they ended, by milliseconds "
	      "since lazyrun began:"
	      "<i style=\"background:#d5dae0\"></i>queued"
	      "<i style=\"background:#e6b566\"></i>connecting, then waiting"
	      "<i style=\"background:#9cc7ea\"></i>waiting"
	      "<i style=\"background:#1f5f99\"></i>receiving a range"
	      "<i style=\"background:#57927a\"></i>receiving other</p>\n",
	      out);
	for (size_t i = 0; i < page->row_count; i++)
		if (page->rows[i].trace)
			put_waterfall(out, &page->rows[i]);
	fputs("</html>\n", out);
}

int bench_page_write(const struct bench_page *page, const char *path,
		     struct error *err)
{
	FILE *out = fopen(path, "we");
	int r = 0;

	if (!out)
		return error_set_errno(err, -errno, "cannot write %s", path);
	put_page(out, page);
	if (ferror(out))
		r = -EIO;
	if (fclose(out) != 0 && r == 0)
		r = -errno;
	return r < 0 ? error_set_errno(err, r, "cannot write %s", path) : 0;
}
