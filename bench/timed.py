#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command and says when it printed what.

usage: timed.py TIMEOUT_S LOG COMMAND...

Prints one line of JSON: seconds from the start until a line of the command's
output was "pulled", "started" or "ready" (null when it never was), until it
ended, and its exit status (124: the time was up, and everything it started was
killed).  Whatever else it printed goes to LOG."""
import json
import os
import selectors
import signal
import subprocess
import sys
import time

MARKS = ("pulled", "started", "ready")

timeout, log_path, command = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
log = open(log_path, "ab")
times = dict.fromkeys(MARKS)
begin = time.monotonic()
child = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=log,
                         start_new_session=True)
selector = selectors.DefaultSelector()
selector.register(child.stdout, selectors.EVENT_READ)
rest = b""
is_late = False
end = None
while True:
    left = begin + timeout - time.monotonic()
    if left <= 0:
        is_late = True
        os.killpg(child.pid, signal.SIGKILL)
        break
    # a process left in the background may hold the pipe open
    if not selector.select(min(left, 0.05)):
        if child.poll() is not None:
            break
        continue
    piece = os.read(child.stdout.fileno(), 65536)
    now = time.monotonic() - begin
    if not piece:
        break
    *lines, rest = (rest + piece).split(b"\n")
    for line in lines:
        word = line.strip().decode(errors="replace")
        if word in times and times[word] is None:
            times[word] = now
        elif word not in times:
            log.write(line + b"\n")
if not is_late:
    try:
        child.wait(max(0.1, begin + timeout - time.monotonic()))
    except subprocess.TimeoutExpired:
        is_late = True
        os.killpg(child.pid, signal.SIGKILL)
child.wait()
end = time.monotonic() - begin
result = {f"{mark}_s": times[mark] and round(times[mark], 4) for mark in MARKS}
result["exit_s"] = round(end, 4)
result["status"] = 124 if is_late else child.returncode
print(json.dumps(result))
