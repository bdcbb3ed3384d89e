#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The file system's part of a start: what `import scipy.stats` asked of it,
asked again by bench/replay.c in an unpacked directory and in fresh mounts.

usage: replay.py [-n RUNS] [-d DATA] [-r RECORDING] LAYOUT:TAG
       replay.py record TRACE RECORDING

The first form prints a table: native (bwrap on the directory), with a hot tree,
and through FUSE; all in turn, page cache warm, each of lazyrun's in a mount of
its own.  RECORDING is bench/scipy-start.txt.xz unless given; it fits the image
that bench/make_image.sh makes (Debian 12's python3-scipy).

The second form makes a recording out of
    strace -f -qq -s 4096 -o TRACE -e trace=execve,openat,stat,lstat,newfstatat,\\
      fstat,read,pread64,lseek,readlink,getdents64,access,ioctl,mmap,close COMMAND
of the process that executed last.

Settings of warm.py: $LAZYRUN, $WARM_USER; $REPLAY is the program (built with
everything else: bench/replay in the build folder)."""
import lzma
import os
import re
import shutil
import statistics
import subprocess
import sys
import types

import warm

HERE = os.path.dirname(os.path.abspath(__file__))
REPLAY = os.environ.get("REPLAY", os.path.join(
    os.path.dirname(os.path.dirname(warm.LAZYRUN)), "bench/replay"))
LINE = re.compile(r"^(\d+)\s+(\w+)\((.*)\)\s+= (-?\w+)")
FLAGS = {"O_RDONLY": 0, "O_DIRECTORY": os.O_DIRECTORY, "O_CLOEXEC": os.O_CLOEXEC,
         "O_NOFOLLOW": os.O_NOFOLLOW, "O_NONBLOCK": os.O_NONBLOCK,
         "O_PATH": os.O_PATH}


def unquote(text):
    return text.encode("latin-1").decode("unicode_escape")


def first_string(args):
    match = re.search(r'"((?:\\.|[^"\\])*)"', args)
    return unquote(match.group(1)) if match else None


def convert(name, args, result):
    """One call of strace's as a line of the recording, or None."""
    words = args.split(", ")
    if name == "openat":
        flags = re.search(r'", (O_[A-Z_|]+)', args)
        value = 0
        for flag in (flags.group(1) if flags else "").split("|"):
            if flag not in FLAGS:
                return None  # writes, say
            value |= FLAGS[flag]
        return f"o {max(int(result), -1)} {value} {first_string(args)}"
    if name == "newfstatat":
        if '""' in args:
            return f"f {words[0]}"
        letter = "l" if "AT_SYMLINK_NOFOLLOW" in args else "s"
        return f"{letter} {first_string(args)}"
    if name in ("stat", "lstat", "access", "readlink"):
        letter = {"stat": "s", "lstat": "l", "access": "a", "readlink": "k"}
        return f"{letter[name]} {first_string(args)}"
    if name in ("close", "fstat", "getdents64"):
        return f"{name[0].replace('g', 'd')} {words[0]}"
    if name == "ioctl" and "TCGETS" in args:
        return f"i {words[0]}"
    if name == "read":
        return f"r {words[0]} {words[-1]}"
    if name == "pread64":
        return f"p {words[0]} {words[-2]} {words[-1]}"
    if name == "lseek":
        whence = {"SEEK_SET": 0, "SEEK_CUR": 1, "SEEK_END": 2}[words[2]]
        return f"e {words[0]} {words[1]} {whence}"
    if name == "mmap" and words[4] != "-1":
        return f"m {words[4]} {words[1]} {int(words[5], 0)}"
    return None


def record(trace, output):
    with open(trace, encoding="utf-8", errors="replace") as f:
        lines = [m.groups() for m in map(LINE.match, f) if m]
    starts = [(pid, i) for i, (pid, name, _, result) in enumerate(lines)
              if name == "execve" and result == "0"]
    last, begin = starts[-1]
    calls = []
    for pid, name, args, result in lines[begin + 1:]:
        if pid == last:
            line = convert(name, args, result)
            # what is the host's in every root is not the image's file system
            if line and not re.search(r" /(proc|sys|dev)\b", line):
                calls.append(line)
    with lzma.open(output, "wt", encoding="utf-8") as f:
        f.write("\n".join(calls) + "\n")
    print(f"{len(calls)} calls, {os.path.getsize(output)} bytes")


def words_of(options, root, cache, folder):
    """The variants of warm.py, with the program shown inside."""
    options.command = ["/mnt/replay", "/mnt/recording"]
    found = warm.variants(options, root, cache)
    native = found["native"]
    at = native.index("--bind", native.index("--bind") + 1)
    native[at:at] = ["--ro-bind", folder, "/mnt"]
    for name in ("hot", "fuse"):
        at = found[name].index("--no-home")
        found[name][at:at] = ["--bind", f"{folder}:/mnt:ro"]
    return found


def measure(words):
    out = subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout
    return int(out.split()[1]) / 1000


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["record"]:
        record(arguments[1], arguments[2])
        return
    options = types.SimpleNamespace(
        runs=11, data="/var/tmp/lazyrun-warm", sif=[],
        recording=os.path.join(HERE, "scipy-start.txt.xz"),
        user=os.environ.get("WARM_USER", "games"))
    while len(arguments) > 2 and arguments[0] in ("-n", "-d", "-r"):
        name = {"-n": "runs", "-d": "data", "-r": "recording"}[arguments[0]]
        value = arguments[1]
        setattr(options, name, int(value) if name == "runs" else value)
        arguments = arguments[2:]
    if len(arguments) != 1:
        sys.exit(__doc__.split("\n\n")[1])
    options.image = arguments[0]
    root = warm.prepare(options)
    cache = os.path.join(options.data, "cache")
    folder = os.path.join(options.data, "replay")
    os.makedirs(folder, exist_ok=True)
    shutil.copy(REPLAY, os.path.join(folder, "replay"))
    with lzma.open(options.recording, "rb") as source, \
            open(os.path.join(folder, "recording"), "wb") as target:
        shutil.copyfileobj(source, target)
    found = words_of(options, root, cache, folder)
    warm.warm_up(found, cache)
    times = {name: [] for name in found}
    for _ in range(options.runs):
        for name, words in found.items():
            times[name].append(measure(words))
    load = os.getloadavg()
    print(f"the file system's part of a start: {options.image}, "
          f"{options.runs} runs in turn, page cache warm, fresh mounts; "
          f"{os.cpu_count()} cores, load {load[0]:.1f}, Linux "
          f"{os.uname().release}\n")
    print("| | least ms | median ms | of native (least, median) |\n|---|---|---|---|")
    least, median = min(times["native"]), statistics.median(times["native"])
    for name, all_ms in times.items():
        print(f"| {name} | {min(all_ms):.1f} | {statistics.median(all_ms):.1f} | "
              f"{min(all_ms) / least:.2f}, "
              f"{statistics.median(all_ms) / median:.2f} |")


if __name__ == "__main__":
    main()
