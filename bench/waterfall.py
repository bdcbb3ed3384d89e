#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A waterfall of one start, from the trace of `lazyrun --trace`.

usage: waterfall.py TRACE OUT...    OUT: *.svg, *.png

Every HTTP request is a bar: grey while queued, light while connecting and
waiting for the first byte, dark while receiving; the events are lines."""
import json
import sys

EVENTS = {
    "mounted": "mounted", "resolved": "resolved", "index": "index",
    "ready": "served", "first_byte": "first byte", "exec": "exec",
    "exit": "exit",
}


def read(path):
    """The last run in a trace: its events and its requests, by time."""
    runs = {}
    with open(path) as file:
        for line in file:
            event = json.loads(line)
            runs.setdefault(event["pid"], []).append(event)
    events = list(runs.values())[-1]
    requests = sorted((e for e in events if e["event"] == "request"),
                      key=lambda e: e["started_ms"])
    return sorted((e for e in events if e["event"] in EVENTS),
                  key=lambda e: e["ms"]), requests


def draw_requests(axes, requests):
    height = 0.9
    for place, r in enumerate(requests):
        answered = r.get("first_byte_ms", r["ms"])
        axes.barh(place, max(0, r["started_ms"] - r["queued_ms"]),
                  left=r["queued_ms"], height=height, color="#d5dae0")
        axes.barh(place, answered - r["started_ms"], left=r["started_ms"],
                  height=height,
                  color="#e6b566" if r["new_connection"] else "#9cc7ea")
        axes.barh(place, r["ms"] - answered, left=answered, height=height,
                  color="#1f5f99" if "offset" in r else "#57927a")


def draw(trace, title, pyplot):
    events, requests = trace
    end = max([e["ms"] for e in events] + [r["ms"] for r in requests])
    figure, axes = pyplot.subplots(figsize=(9, 5))
    draw_requests(axes, requests)
    count = max(len(requests), 8)
    # labels of events close together go one above the other
    last, level = -1e9, 0
    for event in events:
        level = level + 1 if event["ms"] - last < end * 0.09 else 0
        last = event["ms"]
        axes.axvline(event["ms"], color="#c0392b", linewidth=0.8, alpha=0.8)
        is_late = event["ms"] > end * 0.85
        axes.annotate(f"{EVENTS[event['event']]} {event['ms']:,.0f}",
                      (event["ms"], 1), xycoords=("data", "axes fraction"),
                      xytext=(-3 if is_late else 3, 4 + 11 * level),
                      textcoords="offset points",
                      ha="right" if is_late else "left",
                      fontsize=8, color="#c0392b", annotation_clip=False)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_xlim(0, end * 1.02)
    axes.set_xlabel("milliseconds since lazyrun began")
    axes.set_ylabel(f"{len(requests)} HTTP requests")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="x", color="#e3e6ea")
    axes.set_axisbelow(True)
    patch = pyplot.Rectangle
    axes.legend(
        [patch((0, 0), 1, 1, color=c) for c in
         ("#d5dae0", "#e6b566", "#9cc7ea", "#1f5f99", "#57927a")],
        ["queued", "connecting, waiting", "waiting", "receiving a range",
         "receiving other"], loc="lower left", fontsize=8, frameon=True,
        framealpha=0.9, edgecolor="none")
    figure.suptitle(title, x=0.02, y=1.09, ha="left", fontsize=10)
    return figure


def main():
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["font.size"] = 9
    from matplotlib import pyplot
    figure = draw(read(sys.argv[1]), sys.argv[1].rsplit("/", 1)[-1], pyplot)
    for path in sys.argv[2:]:
        figure.savefig(path, dpi=150, bbox_inches="tight", facecolor="white")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main()
