#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a start takes on a node that has had the image before, against the
same command in an unpacked directory, and Apptainer on a SIF: in turn, medians,
ratios.

usage: warm.py [-n RUNS] [-d DATA] [-s SIF]... [-c] [-o FILE] LAYOUT:TAG -- COMMAND...

  -n 11    runs of each, in turn
  -d DIR   unpacked directory and caches are kept here
           (/var/tmp/lazyrun-warm), on the file system that is measured
  -s SIF   also Apptainer on this file, by $INSID (a tree with Apptainer: see
           $PEERS in startup.sh) or apptainer in PATH
  -c       drop the page cache before each run: a start after a reboot
  -o FILE  each run, as CSV

Each run of lazyrun is a fresh mount. "native" is bwrap on the directory that
umoci unpacked: user and mount namespaces, /dev, /proc, as lazyrun has them.
Root, who becomes an ordinary user for each run ($WARM_USER, games)."""
import argparse
import csv
import os
import pwd
import shlex
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LAZYRUN = os.environ.get("LAZYRUN", os.path.join(
    os.path.dirname(HERE), "build-tests/release/tools/lazyrun"))
PEERS = os.environ.get("PEERS", "")
INSID = os.environ.get("INSID", "")


def as_user(user):
    account = pwd.getpwnam(user)
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}",
            "--clear-groups", "--inh-caps=-all"]


def unpack(image, data, user):
    """The image as a directory of the user's, once."""
    target = os.path.join(data, "bundle")
    if not os.path.isdir(os.path.join(target, "rootfs")):
        print("unpacking ...", file=sys.stderr)
        subprocess.run(as_user(user) + [
            "umoci", "unpack", "--rootless", "--image", image, target],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return os.path.join(target, "rootfs")


def variants(options, root, cache):
    command = options.command
    prefix = as_user(options.user)
    lazyrun = prefix + ["env", f"HOME={options.data}", LAZYRUN, "-q",
                        "--cache-dir", cache]
    job = ["--no-home", "--pwd", "/", "oci:" + options.image] + command
    found = {
        "native": prefix + ["env", "-i", "PATH=/usr/bin:/bin", "bwrap",
                            "--bind", root, "/", "--dev-bind", "/dev", "/dev",
                            "--proc", "/proc", "--ro-bind", "/sys", "/sys",
                            "--bind", "/tmp", "/tmp", "--chdir", "/"] + command,
        "hot": lazyrun + ["exec", "--hot-tree=auto"] + job,
        "fuse": lazyrun + ["exec", "--hot-tree=off"] + job,
    }
    for sif in options.sif:
        words = ["apptainer", "-s", "exec", "--no-home", "--pwd", "/", sif] + command
        if INSID:
            words = [INSID, "su", options.user, "-s", "/bin/sh", "-c",
                     shlex.join(words)]
        else:
            words = prefix + words
        found["apptainer " + os.path.basename(sif)] = words
    return found


def run(words):
    start = time.monotonic()
    done = subprocess.run(words, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=False)
    took = (time.monotonic() - start) * 1000
    if done.returncode:
        sys.exit(f"{shlex.join(words)}: status {done.returncode}: "
                 f"{done.stderr.decode(errors='replace')[:400]}")
    return took


def drop_caches():
    subprocess.run(["sync"], check=True)
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("3\n")


def warm_up(found, cache):
    """The first run learns, a process in the background builds."""
    for words in found.values():
        run(words)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for top, _, names in os.walk(os.path.join(cache, "hot")):
            if "current" in names:
                time.sleep(1)
                return
            if top.count("/") - cache.count("/") > 2:
                break
        time.sleep(0.2)
    sys.exit("no hot tree was made within two minutes")


def report(times, options):
    native = statistics.median(times["native"])
    load = os.getloadavg()
    print(f"{' '.join(options.command)} in {options.image}; "
          f"{'page cache dropped before each run' if options.cold else 'page cache warm'}; "
          f"{options.runs} runs in turn; {os.cpu_count()} cores, load "
          f"{load[0]:.1f}, Linux {os.uname().release}")
    print("\n| | median ms | least | most | of native | median of ratios in turn |")
    print("|---|---|---|---|---|---|")
    for name, all_ms in times.items():
        pairs = [a / b for a, b in zip(all_ms, times["native"])]
        median = statistics.median(all_ms)
        print(f"| {name} | {median:.0f} | {min(all_ms):.0f} | "
              f"{max(all_ms):.0f} | {median / native:.2f} | "
              f"{statistics.median(pairs):.2f} |")
    for name in times:
        if name.startswith("apptainer"):
            pairs = [a / b for a, b in zip(times[name], times["hot"])]
            print(f"\n{name} takes {statistics.median(pairs):.2f} times as "
                  f"long as lazyrun")


def prepare(options):
    """Folders, and the unpacked image; where that is."""
    for tool in ("bwrap", "umoci", "setpriv"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed")
    os.makedirs(options.data, exist_ok=True)
    account = pwd.getpwnam(options.user)
    os.chown(options.data, account.pw_uid, account.pw_gid)
    return unpack(options.image, options.data, options.user)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("-n", dest="runs", type=int, default=11)
    parser.add_argument("-d", dest="data", default="/var/tmp/lazyrun-warm")
    parser.add_argument("-s", dest="sif", action="append", default=[])
    parser.add_argument("-c", dest="cold", action="store_true")
    parser.add_argument("-o", dest="csv")
    parser.add_argument("image")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    options.user = os.environ.get("WARM_USER", "games")
    root = prepare(options)
    cache = os.path.join(options.data, "cache")
    found = variants(options, root, cache)
    warm_up(found, cache)
    times = {name: [] for name in found}
    for _ in range(options.runs):
        for name, words in found.items():
            if options.cold:
                drop_caches()
            times[name].append(run(words))
    report(times, options)
    if options.csv:
        with open(options.csv, "a", encoding="utf-8", newline="") as f:
            out = csv.writer(f)
            for name, all_ms in times.items():
                out.writerows([name, options.cold, i, f"{ms:.1f}"]
                              for i, ms in enumerate(all_ms))


if __name__ == "__main__":
    main()
