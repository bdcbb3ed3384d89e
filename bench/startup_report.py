#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tables and plots of what startup.sh has measured.

usage: startup_report.py DIR

Reads DIR/results.csv, not-run.tsv, conditions.txt, logs/, traces/, statistics/; writes
results.md and, with matplotlib (python3-matplotlib), each plot as SVG and PNG."""
import collections
import csv
import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import waterfall  # noqa: E402

NAMES = {
    "bwrap-warm": "native (bwrap, local directory)",
    "lazyrun-warm": "lazyrun, warm cache",
    "lazyrun-profile": "lazyrun, profile",
    "lazyrun": "lazyrun, no profile",
    "lazyrun-pull": "lazyrun pull + exec",
    "lazyrun-no-index": "lazyrun, nothing prepared",
    "lazyrun-sif": "lazyrun, SIF by https",
    "lazyrun-converted": "lazyrun, converted to a SIF, index",
    "lazyrun-osdf": "lazyrun, SIF from an OSDF cache",
    "osdf-apptainer": "curl from an OSDF cache + apptainer",
    "soci": "SOCI",
    "stargz": "stargz (eStargz)",
    "podman": "podman pull + run",
    "containerd": "containerd pull + run",
    "apptainer-build": "apptainer build + exec",
    "apptainer-sif": "curl SIF + apptainer",
    "apptainer-sif-warm": "apptainer, local SIF",
}
LOCAL = ("bwrap-warm", "lazyrun-warm", "apptainer-sif-warm")
COLOURS = {
    "bwrap-warm": "#9aa5b1", "lazyrun-warm": "#7fb3d5",
    "lazyrun-profile": "#1f5f99", "lazyrun": "#3a8fd0",
    "lazyrun-pull": "#57b8b0", "lazyrun-no-index": "#7d9ccf",
    "lazyrun-sif": "#2f7f79", "lazyrun-converted": "#4f6d3a", "lazyrun-osdf": "#236b4f", "soci": "#e08a1e",
    "stargz": "#c9a227", "podman": "#8e6bbf", "containerd": "#b04a72", "apptainer-build": "#c0392b",
    "osdf-apptainer": "#a9573f", "apptainer-sif": "#d9705f", "apptainer-sif-warm": "#e8b4a8",
}


def read(folder):
    """{(image, rtt, rate): {tool: [row]}}, numbers as numbers."""
    groups = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(folder / "results.csv", newline="") as file:
        for row in csv.DictReader(file):
            for name in ("rtt_ms", "rate_mbit", "status", "wire_bytes",
                         "requests"):
                row[name] = int(row[name])
            for name in ("pulled_s", "started_s", "ready_s", "exit_s"):
                row[name] = float(row[name]) if row[name] else None
            key = row["image"], row["rtt_ms"], row["rate_mbit"]
            groups[key][row["tool"]].append(row)
    return groups


def good(rows):
    return [r for r in rows if r["status"] == 0 and r["ready_s"] is not None]


def median(rows, name):
    values = [r[name] for r in rows if r[name] is not None]
    return statistics.median(values) if values else None


def seconds(value):
    return "" if value is None else f"{value:.2f}"


def link_text(key):
    return (f"{key[1]} ms, {key[2]} Mbit/s" if key[2] else
            f"{key[1]} ms, no limit")


def left_out(folder):
    """[(image or *, tool, reason)] of what was asked for and could not run."""
    path = folder / "not-run.tsv"
    lines = path.read_text().splitlines() if path.exists() else []
    return [tuple(line.split("\t", 2)) for line in lines]


def last_words(folder, key, row):
    """What a tool said last, in a run that failed."""
    log = folder / "logs" / (f"{key[0]}-{key[1]}-{key[2]}-{row['tool']}-"
                             f"{row['run']}.log")
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    said = [line.strip() for line in lines if line.strip()]
    return said[-1].replace("|", "/")[:300] if said else "it said nothing"


def table(key, tools, missing, folder, out):
    out.append(f"\n## {key[0]}, {link_text(key)}\n")
    out.append("| tool | runs | pulled s | started s | ready s (min–max) | "
               "ended s | MB on the wire | requests |")
    out.append("|---|---|---|---|---|---|---|---|")
    order = sorted(tools, key=lambda t: (median(good(tools[t]), "ready_s")
                                         or 1e9))
    for tool in order:
        rows = good(tools[tool])
        failed = len(tools[tool]) - len(rows)
        name = NAMES.get(tool, tool)
        if not rows:
            row = tools[tool][-1]
            out.append(f"| {name} | 0, {failed} failed (status "
                       f"{row['status']}): {last_words(folder, key, row)} "
                       "| | | | | | |")
            continue
        ready = [r["ready_s"] for r in rows]
        out.append(
            f"| {name} | {len(rows)}{f', {failed} failed' if failed else ''} | "
            f"{seconds(median(rows, 'pulled_s'))} | "
            f"{seconds(median(rows, 'started_s'))} | "
            f"{statistics.median(ready):.2f} ({min(ready):.2f}–{max(ready):.2f}) | "
            f"{seconds(median(rows, 'exit_s'))} | "
            f"{median(rows, 'wire_bytes') / 1e6:.1f} | "
            f"{median(rows, 'requests'):.0f} |")
    for image, tool, reason in missing:
        if image in ("*", key[0]) and tool not in tools:
            out.append(f"| {NAMES.get(tool, tool)} | not run: "
                       f"{reason.replace('|', '/')} | | | | | | |")


def ratios(key, tools, out):
    """The others' time to ready as multiples of lazyrun's."""
    for ours in ("lazyrun-profile", "lazyrun"):
        base = median(good(tools.get(ours, [])), "ready_s")
        if not base:
            continue
        texts = [f"{NAMES[t]} {median(good(tools[t]), 'ready_s') / base:.2f}"
                 for t in NAMES
                 if t != ours and t in tools and good(tools[t])]
        out.append(f"\nTime to ready over that of *{NAMES[ours]}* "
                   f"({base:.2f} s): {', '.join(texts)}.")


LIMIT = 1.1


def against_full(groups, out):
    """Lazy starts over our own parallel full fetch: never above LIMIT."""
    rows = []
    for key in sorted(groups):
        full = median(good(groups[key].get("lazyrun-pull", [])), "ready_s")
        if not full:
            continue
        cells = []
        for tool in ("lazyrun-profile", "lazyrun"):
            lazy = median(good(groups[key].get(tool, [])), "ready_s")
            ratio = lazy / full if lazy else None
            cells.append("" if ratio is None else f"{lazy:.2f} | {ratio:.2f}"
                         + (" **over**" if ratio > LIMIT else ""))
        rows.append(f"| {key[0]}, {link_text(key)} | {full:.2f} | " +
                    " | ".join(c or " | " for c in cells) + " |")
    if rows:
        out.append(f"\n## Lazy against a full fetch (at most {LIMIT})\n")
        out.append("| image, link | pull + exec s | profile s | ratio | "
                   "no profile s | ratio |")
        out.append("|---|---|---|---|---|---|")
        out.extend(rows)


def read_statistics(folder, key, row):
    """What lazyrun said of a run (--statistics), or None."""
    path = folder / "statistics" / (f"{key[0]}-{key[1]}-{key[2]}-{row['tool']}-"
                                    f"{row['run']}.json")
    lines = path.read_text().splitlines() if path.exists() else []
    return json.loads(lines[-1]) if lines else None


PROFILE_BYTES_LIMIT = 1.25


def counts(groups, folder, out):
    """What each of lazyrun's starts fetched of what it read; its requests."""
    rows = []
    for key in sorted(groups):
        for tool in ("lazyrun-profile", "lazyrun"):
            said = [s for s in (read_statistics(folder, key, r)
                                for r in good(groups[key].get(tool, []))) if s]
            if not said:
                continue
            middle = {name: statistics.median(s[name] for s in said) for name in (
                "bytes_fetched", "bytes_touched", "ranges_fetched",
                "http_requests", "fuse_requests", "chunks_streamed")}
            ratio = statistics.median(s["bytes_fetched"] / s["bytes_touched"]
                                      for s in said if s["bytes_touched"])
            over = tool == "lazyrun-profile" and ratio > PROFILE_BYTES_LIMIT
            rows.append(
                f"| {key[0]}, {link_text(key)} | {NAMES[tool]} | {len(said)} | "
                f"{middle['bytes_fetched'] / 1e6:.1f} | "
                f"{middle['bytes_touched'] / 1e6:.1f} | {ratio:.3f}"
                f"{' **over**' if over else ''} | "
                f"{middle['ranges_fetched']:.0f} | {middle['http_requests']:.0f} | "
                f"{middle['fuse_requests']:.0f} | {middle['chunks_streamed']:.0f} |")
    if rows:
        out.append("\n## Bytes fetched, of the chunks that were read (with a "
                   f"profile at most {PROFILE_BYTES_LIMIT}), and requests\n")
        out.append("| image, link | tool | runs | MB fetched | MB of the chunks read | "
                   "ratio | ranges | HTTP requests | FUSE requests | chunks streamed |")
        out.append("|---|---|---|---|---|---|---|---|---|---|")
        out.extend(rows)


def save(figure, folder, name, pyplot):
    for kind in ("svg", "png"):
        figure.savefig(folder / f"{name}.{kind}", dpi=150,
                       bbox_inches="tight", facecolor="white")
    pyplot.close(figure)


def clean(axes):
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set_axisbelow(True)


def bars(key, tools, name, label, scale, folder, pyplot):
    """One bar a tool: the median, each run a dot."""
    shown = [t for t in tools if good(tools[t]) and
             (name == "ready_s" or t not in LOCAL)]
    shown.sort(key=lambda t: -median(good(tools[t]), name))
    if not shown:
        return
    figure, axes = pyplot.subplots(figsize=(8, 0.42 * len(shown) + 1.2))
    top = max(median(good(tools[t]), name) for t in shown) / scale
    for place, tool in enumerate(shown):
        rows = good(tools[tool])
        value = median(rows, name) / scale
        axes.barh(place, value, color=COLOURS.get(tool, "#888888"), height=0.68)
        if name == "ready_s" and median(rows, "pulled_s"):
            axes.barh(place, median(rows, "pulled_s"), color="white", alpha=0.45,
                      height=0.68, hatch="////", edgecolor="white", linewidth=0)
        if len(rows) > 1:
            axes.plot([r[name] / scale for r in rows], [place] * len(rows), "o",
                      color="black", markersize=2.5, alpha=0.55)
        reach = max(value, *(r[name] / scale for r in rows))
        axes.text(reach + top * 0.012, place,
                  f"{value:.2f}" if value < 10 else f"{value:,.1f}"
                  if name == "ready_s" else f"{value:,.0f}",
                  va="center", fontsize=8.5)
    axes.set_yticks(range(len(shown)), [NAMES.get(t, t) for t in shown])
    axes.set_xlabel(label)
    axes.set_xlim(0, top * 1.16)
    axes.grid(axis="x", color="#e3e6ea")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    hint = "  (hatched: separate download)" if name == "ready_s" else ""
    axes.set_title(f"{key[0]}, {link_text(key)}{hint}", loc="left", fontsize=10)
    clean(axes)
    save(figure, folder, f"{name.removesuffix('_s')}-{key[0]}-{key[1]}-{key[2]}",
         pyplot)


def against_links(image, groups, folder, pyplot):
    """Time to ready against RTT, a panel a bandwidth, and against bandwidth,
    a panel an RTT."""
    from matplotlib import ticker
    keys = [k for k in groups if k[0] == image]
    for axis, other, name, unit, panel in (
            (1, 2, "rtt", "round trip time, ms", "{} Mbit/s"),
            (2, 1, "rate", "bandwidth, Mbit/s", "{} ms")):
        panels = sorted({k[other] for k in keys
                         if len({j[axis] for j in keys
                                 if j[other] == k[other] and j[2]}) > 1 and k[2]})
        if not panels:
            continue
        figure, grid = pyplot.subplots(
            1, len(panels), figsize=(4.4 * len(panels) + 2, 3.9), squeeze=False,
            sharey=True)
        for axes, value in zip(grid[0], panels):
            for tool in NAMES:
                points = sorted(
                    (k[axis], median(good(groups[k].get(tool, [])), "ready_s"))
                    for k in keys if k[other] == value and k[2]
                    and good(groups[k].get(tool, [])))
                if points:
                    axes.plot(*zip(*points), "o-", color=COLOURS[tool],
                              markersize=4, label=NAMES[tool])
            axes.set_yscale("log")
            if axis == 2:
                axes.set_xscale("log")
            ticks = sorted({k[axis] for k in keys if k[other] == value and k[2]})
            axes.set_xticks(ticks, [str(t) for t in ticks])
            axes.minorticks_off()
            axes.yaxis.set_major_locator(
                ticker.LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(
                lambda v, _: f"{v:g}")
            axes.grid(color="#e3e6ea")
            axes.set_xlabel(unit)
            axes.set_title(panel.format(value), loc="left", fontsize=10)
            clean(axes)
        grid[0][0].set_ylabel("seconds to ready (log)")
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="center left",
                      bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8.5)
        figure.suptitle(f"{image}: time to ready", x=0.02, ha="left", fontsize=11)
        figure.tight_layout()
        save(figure, folder, f"ready-{name}-{image}", pyplot)


def main():
    folder = pathlib.Path(sys.argv[1])
    groups = read(folder)
    out = ["# Time to a program's start\n"]
    for line in (folder / "conditions.txt").read_text().splitlines():
        out.append(f"* {line}")
    out.append("\n*pulled*: a separate download is complete; *started*: the "
               "program begins; *ready*: it has imported what it needs; medians, "
               "all from the first byte asked for. Bytes are IP packets received.")
    for key in sorted(groups):
        table(key, groups[key], left_out(folder), folder, out)
        ratios(key, groups[key], out)
    against_full(groups, out)
    counts(groups, folder, out)
    (folder / "results.md").write_text("\n".join(out) + "\n")
    print("\n".join(out))
    try:
        import matplotlib
    except ImportError:
        print("startup_report.py: no plots: python3-matplotlib is missing",
              file=sys.stderr)
        return
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "lazyrun"
    matplotlib.rcParams["font.size"] = 9
    from matplotlib import pyplot
    for key in groups:
        for name, label, scale in (("ready_s", "seconds to ready", 1),
                                   ("wire_bytes", "MB on the wire", 1e6),
                                   ("requests", "requests", 1)):
            bars(key, groups[key], name, label, scale, folder, pyplot)
        for tool in ("lazyrun-profile", "lazyrun"):
            rows = good(groups[key].get(tool, []))
            if rows:
                middle = sorted(rows, key=lambda r: r["ready_s"])[len(rows) // 2]
                stem = f"{key[0]}-{key[1]}-{key[2]}-{tool}"
                trace = folder / "traces" / f"{stem}-{middle['run']}.jsonl"
                if trace.exists():
                    figure = waterfall.draw(
                        waterfall.read(trace),
                        f"{NAMES[tool]}: {key[0]}, {link_text(key)}", pyplot)
                    save(figure, folder, f"waterfall-{stem}", pyplot)
    for image in sorted({k[0] for k in groups}):
        against_links(image, groups, folder, pyplot)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
