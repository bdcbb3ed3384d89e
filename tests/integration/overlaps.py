#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the embedded registry's log; prints how many bytes of blobs were
served more than once.  Neighbouring gzip spans may share one byte: an overlap
of a single byte does not count."""
import re
import sys

LINE = re.compile(r"/blobs/(sha256:[0-9a-f]{64})\S* .*?bytes=(\d+)-(\d+)")
ranges = {}
for line in sys.stdin:
    match = LINE.search(line)
    if match:
        ranges.setdefault(match.group(1), []).append(
            (int(match.group(2)), int(match.group(3)) + 1))
if not ranges:
    sys.exit("no ranges in the log")
twice = 0
for spans in ranges.values():
    end = 0
    for start, stop in sorted(spans):
        if end - start > 1:
            twice += min(end, stop) - start
        end = max(end, stop)
print(twice)
