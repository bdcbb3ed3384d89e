#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what apptainer_flags_cases.sh left, prints a table and what differs.

usage: apptainer_flags_table.py FOLDER [TABLE.md]"""
import datetime
import pathlib
import sys

# What may differ, and why: (case or None for all, part, reason).
REASONS = [
    ("test: image without one", "status",
     "Apptainer runs its own fallback script, which a directory without /.singularity.d cannot (255); it is to be 0, "
     "since HTCondor tests every image before its job"),
    ("--app: missing", "status",
     "every failure of ours ends with 255; theirs is the exit of the image's script"),
    ("--app: missing", "output", "the sentence is ours, on the standard error"),
    ("--uts --hostname", "mounts", "/etc/hostname is made only where the image has one"),
]
# Variables that are compared in no case, and why.
VARIABLES = {
    "USER_PATH": "Apptainer's own note of the host's PATH",
    "LAZYRUN_IMAGE": "ours",
    "SHLVL": "Apptainer's own shell counts",
    "_": "set by the shell that runs env",
    "OLDPWD": "the same",
}
# Mounts that are compared in no case, and why.
MOUNTS = {
    "/etc/passwd": "written to the overlay here where it can be",
    "/etc/group": "the same",
}


def read(path):
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return None


def split_state(text):
    """Environment and mounts of a case."""
    head, _, tail = text.partition("\n---\n")
    variables = {}
    name = None
    for line in head.splitlines():
        key, equals, value = line.partition("=")
        if equals and key.replace("_", "a").isalnum():
            name = key
            variables[name] = value
        elif name:
            variables[name] += "\n" + line
    mounts = {}
    for line in tail.splitlines():
        fields = line.split(" ")
        if len(fields) < 4:
            continue
        target, options = fields[1], fields[3].split(",")
        if target.startswith(("/sys/", "/proc/")):
            continue
        # kernel filesystems count by their presence
        kernel = target in ("/", "/proc", "/sys") or target.startswith("/dev")
        mounts[target] = "" if kernel else options[0]
    for unwanted in VARIABLES:
        variables.pop(unwanted, None)
    for unwanted in MOUNTS:
        mounts.pop(unwanted, None)
    return variables, mounts


def differences(ours, theirs):
    return [f"{key}: {theirs.get(key, '(none)')!r} there, {ours.get(key, '(none)')!r} here"
            for key in sorted(set(ours) | set(theirs)) if ours.get(key) != theirs.get(key)]


def is_help(text):
    return text.startswith("Options for ")


def sum_up_help(text):
    """Its title: each describes its options in its own words.  The sentence on the
    standard error is compared beside it."""
    return text.splitlines()[:2]


def compare(folder, number):
    found = {}
    there, here = (folder / tool for tool in ("apptainer", "lazyrun"))
    for part, name in (("output", "out"), ("status", "out.rc")):
        a, b = read(there / f"{number}.{name}"), read(here / f"{number}.{name}")
        if a and b and is_help(a) and is_help(b):
            a, b = ((sum_up_help(out), (read(tool / f"{number}.out.err") or "").strip())
                    for out, tool in ((a, there), (b, here)))
        if a != b:
            found[part] = [f"{a!r} there, {b!r} here"]
    if "status" in found:
        found["status"] += [(read(tool / f"{number}.out.err") or "").strip().splitlines()[-1:] for tool in (there, here)]
        found["status"] = [str(text) for text in found["status"]]
    a, b = read(there / f"{number}.state"), read(here / f"{number}.state")
    if a is not None or b is not None:
        theirs, ours = split_state(a or ""), split_state(b or "")
        for i, part in ((0, "environment"), (1, "mounts")):
            lines = differences(ours[i], theirs[i])
            if lines:
                found[part] = lines
    return found


def main():
    folder = pathlib.Path(sys.argv[1])
    lines = ["| row | must | what | output | status | environment | mounts |", "|---|---|---|---|---|---|---|"]
    notes, faults, count = [], 0, 0
    for case in (folder / "cases").read_text().splitlines():
        number, row, need, what = case.split("\t")
        count += 1
        found = compare(folder, number)
        has_state = (folder / "apptainer" / f"{number}.state").exists()
        cells = []
        for part in ("output", "status", "environment", "mounts"):
            if part in ("environment", "mounts") and not has_state:
                cells.append("")
                continue
            if part not in found:
                cells.append("=")
                continue
            reason = [r for c, p, r in REASONS if c in (None, what) and p == part and r]
            if reason:
                notes.append(f"* {what}, {part}: {reason[0]}.")
                cells.append("≠ (known)")
            else:
                cells.append("≠")
                faults += need == "M"
                print(f"{'FAULT' if need == 'M' else 'differs'}: row {row}, {what}, {part}: " + "; ".join(found[part]))
        lines.append(f"| {row} | {need} | {what.replace('|', chr(92) + '|')} | " + " | ".join(cells) + " |")
    made = (f"Made on {datetime.date.today()} by `tests/acceptance/apptainer_flags.sh`: each command under Apptainer 1.4.5\n"
            f"(Debian sid, ordinary user) and under lazyrun called apptainer; {count} cases, {faults} faults. \"M\": a drop-in must.\n")
    text = "\n".join([made] + lines + [""] + notes) + "\n"
    if len(sys.argv) > 2 and sys.argv[2]:
        pathlib.Path(sys.argv[2]).write_text(text)
    else:
        print(text)
    print(f"{count} cases, {faults} faults")
    sys.exit(faults > 0)


main()
