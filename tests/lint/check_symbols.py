#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every global symbol begins with its file's stem (style: file = noun).

usage: check_symbols.py BUILD_FOLDER"""
import pathlib
import re
import sys
import lint

# A header may spread over several files: stem -> prefix they all share.
ALLOWED = re.compile(r"main|cmd_\w+|\w+_option_table")

build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
count = 0
for module in lint.MODULES:
    archive = build / module / f"lib{module}.a"
    if not archive.exists():
        lint.fault(archive, "is not built")
        continue
    stem = None
    for line in lint.run("nm", "--defined-only", "--extern-only",
                         str(archive)).stdout.splitlines():
        if line.endswith(".o:"):
            # thin archives print the object's path, others its name
            stem = line[:-1].rsplit("/", 1)[-1].removesuffix(".c.o")
            continue
        parts = line.split()
        if len(parts) != 3 or not stem:
            continue
        symbol = parts[2]
        if symbol.startswith(("__asan", "__odr_asan", "__sancov", "__start_")):
            continue
        count += 1
        prefixes = [stem]
        words = stem.split("_")
        # index_file_open.c and index_file_check.c implement index_file.h
        for end in range(len(words) - 1, 0, -1):
            header = lint.ROOT / module / ("_".join(words[:end]) + ".h")
            if header.exists():
                prefixes.append("_".join(words[:end]))
        # a header's doc may name several nouns: http_response in http_client.h
        header = lint.ROOT / module / f"{stem}.h"
        declared = header.exists() and \
            re.search(rf"\b{re.escape(symbol)}\(", header.read_text())
        if ALLOWED.fullmatch(symbol) or declared:
            continue
        if not any(symbol == p or symbol.startswith(p + "_") for p in prefixes):
            lint.fault(lint.ROOT / module / f"{stem}.c",
                       f"exports {symbol}, which does not begin with {stem}_")
lint.finish("symbols", count)
